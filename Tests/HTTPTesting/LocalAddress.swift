// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A socket's own end.
struct LocalAddress {
    /// Port.
    let port: UInt16
    /// Address in its usual form; that of IPv4 also on a socket of IPv6.
    let text: String

    /// Asks the system; nil when the socket has no end or no address of IPv4 or IPv6.
    init?(of socket: CInt) {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &size) }
        }
        guard code == 0 else { return nil }
        let bytes = withUnsafeBytes(of: storage) { Array($0.prefix(28)) }
        port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        let family = CInt(storage.ss_family)
        guard family == AF_INET || family == AF_INET6 else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let address = Array(family == AF_INET ? bytes[4..<8] : bytes[8..<24])
        guard inet_ntop(family, address, &text, socklen_t(text.count)) != nil else { return nil }
        let written = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.text = written.hasPrefix("::ffff:") ? String(written.dropFirst(7)) : written
    }
}
