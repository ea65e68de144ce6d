// SPDX-License-Identifier: Apache-2.0
import CLibcurl

/// Knows the socket behind each open connection, so that an idle one can be looked at before it is used again.
/// Engine thread only.
///
/// libcurl keeps the socket of a running transfer to itself; but it says when it opens and closes one, and when a
/// connection is about to be used it gives both of its ends.
final class ConnectionRegistry {
    /// A connection, by a hash of both of its ends.
    typealias Key = UInt64

    private var sockets: [Key: curl_socket_t] = [:]
    private var keys: [curl_socket_t: Key] = [:]

    /// Number of connections known to be open.
    var count: Int { keys.count }

    /// The key of the connection between these ends (texts as libcurl gives them).
    static func key(
        localAddress: UnsafePointer<CChar>?, localPort: CInt, remoteAddress: UnsafePointer<CChar>?, remotePort: CInt
    ) -> Key {
        // FNV-1a: a handful of bytes per request, and no string is made.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        for text in [localAddress, remoteAddress] {
            var position = text
            while let here = position, here.pointee != 0 {
                add(UInt8(bitPattern: here.pointee))
                position = here + 1
            }
            add(0)
        }
        for port in [localPort, remotePort] {
            add(UInt8(truncatingIfNeeded: port >> 8))
            add(UInt8(truncatingIfNeeded: port))
        }
        return hash
    }

    /// A new connection is ready: its socket is the one among those just opened that has this local port.
    func register(_ key: Key, localPort: CInt, among opened: [curl_socket_t]) {
        guard let socket = opened.last(where: { shardline_local_port($0) == localPort }) else { return }
        if let old = keys.updateValue(key, forKey: socket), old != key { sockets[old] = nil }
        sockets[key] = socket
    }

    /// Before reuse: whether unread bytes waited on the connection, which was then made unusable.
    func retireIfUnread(_ key: Key) -> Bool {
        guard let socket = sockets[key] else { return false }
        return shardline_retire_if_unread(socket) != 0
    }

    /// libcurl is done with the socket: forgets and closes it. Returns what `close` returns.
    func close(_ socket: curl_socket_t) -> CInt {
        if let key = keys.removeValue(forKey: socket), sockets[key] == socket { sockets[key] = nil }
        return shardline_close(socket)
    }
}
