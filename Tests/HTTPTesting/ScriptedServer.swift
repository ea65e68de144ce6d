// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Synchronization

/// An HTTP/1.1 server whose every answer is written by the test, byte by byte if need be; on 127.0.0.1 unless it is
/// told otherwise.
///
/// Each connection has its own thread, so a script may block: on a `TestSignal`, on reading, on sending.
package final class ScriptedServer: Sendable {
    /// Answers one request; returning keeps the connection open for the next, unless the script closed it.
    package typealias Script = @Sendable (ScriptedRequest, ScriptedConnection) throws -> Void

    /// Port the system chose.
    package let port: UInt16
    private let listener: CInt
    private let guests = ScriptedGuests()

    /// Starts a server that reads each request with its body and lets the script answer.
    ///
    /// - Parameter bodyBytesKept: larger request bodies are counted but not kept.
    package convenience init(bodyBytesKept: Int = 64 << 20, _ script: @escaping Script) throws {
        try self.init(bodyBytesKept: bodyBytesKept, listener: try Self.listenOnLoopback(), script)
    }

    /// The same on every IPv4 and IPv6 address of the machine, for tests with a network of their own.
    package convenience init(everyAddressAt port: UInt16, _ script: @escaping Script) throws {
        try self.init(bodyBytesKept: 64 << 20, listener: try Self.listenEverywhere(port), script)
    }

    private convenience init(bodyBytesKept: Int, listener: CInt, _ script: @escaping Script) throws {
        try self.init(listener: listener) { guests, connection in
            var reader = ScriptedRequestReader(connection, bodyBytesKept: bodyBytesKept)
            while !connection.isClosed, let request = try reader.next() {
                guests.countRequest()
                try script(request, connection)
            }
        }
    }

    /// Starts a server that hands over each connection with nothing read from it; it is closed on return.
    package convenience init(raw script: @escaping @Sendable (ScriptedConnection) throws -> Void) throws {
        try self.init(listener: try Self.listenOnLoopback()) { _, connection in try script(connection) }
    }

    private static func listenOnLoopback() throws(ScriptedConnection.Failure) -> CInt {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return try listen(AF_INET, &address)
    }

    private static func listenEverywhere(_ port: UInt16) throws(ScriptedConnection.Failure) -> CInt {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        return try listen(AF_INET6, &address)
    }

    private static func listen<Address>(
        _ family: CInt, _ address: inout Address
    ) throws(ScriptedConnection.Failure) -> CInt {
        let listener = socket(family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, socklen_t(MemoryLayout<Address>.size)) + Glibc.listen(listener, 1024)
            }
        }
        if code != 0 { throw ScriptedConnection.Failure(action: "listen", code: errno) }
        return listener
    }

    private init(
        listener: CInt, serve: @escaping @Sendable (ScriptedGuests, ScriptedConnection) throws -> Void
    ) throws {
        self.listener = listener
        port = LocalAddress(of: listener)?.port ?? 0
        Self.startThread { [listener, guests] in
            while true {
                let descriptor = accept(listener, nil, nil)
                if descriptor < 0, errno == EINTR || errno == ECONNABORTED { continue }
                guard descriptor >= 0 else { break }
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                let connection = guests.admit(descriptor)
                Self.startThread {
                    // A peer that goes away is part of many a script; tests check what the client made of it.
                    try? serve(guests, connection)
                    connection.close()
                    guests.dismiss(connection)
                }
            }
            close(listener)
        }
    }

    deinit { stop() }

    /// `http://127.0.0.1:port` followed by `path`.
    package func url(_ path: String = "/") -> String { "http://127.0.0.1:\(port)\(path)" }

    /// Connections accepted so far.
    package var connectionCount: Int { guests.connectionCount }

    /// Requests read so far.
    package var requestCount: Int { guests.requestCount }

    /// Stops listening and breaks every connection; may be called again. Happens by itself when the last reference
    /// to the server goes.
    package func stop() {
        if guests.dismissAll() { shutdown(listener, CInt(SHUT_RDWR)) }
    }

    private static func startThread(_ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.stackSize = 512 << 10
        thread.start()
    }
}

/// The connections of a `ScriptedServer`.
private final class ScriptedGuests: Sendable {
    private struct State {
        var connections: [Int: ScriptedConnection] = [:]
        var connectionCount = 0
        var requestCount = 0
        var isStopped = false
    }

    private let state = Mutex(State())

    var connectionCount: Int { state.withLock { $0.connectionCount } }
    var requestCount: Int { state.withLock { $0.requestCount } }

    func countRequest() { state.withLock { $0.requestCount += 1 } }

    func admit(_ descriptor: CInt) -> ScriptedConnection {
        var isOn: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<CInt>.size))
        return state.withLock { state in
            state.connectionCount += 1
            let connection = ScriptedConnection(number: state.connectionCount, descriptor: descriptor)
            state.connections[connection.number] = connection
            if state.isStopped { connection.interrupt() }
            return connection
        }
    }

    func dismiss(_ connection: ScriptedConnection) {
        _ = state.withLock { $0.connections.removeValue(forKey: connection.number) }
    }

    /// Interrupts everyone; false when that was done before.
    func dismissAll() -> Bool {
        let (isFirst, connections) = state.withLock { state in
            defer { state.isStopped = true }
            return (!state.isStopped, Array(state.connections.values))
        }
        for connection in connections { connection.interrupt() }
        return isFirst
    }
}
