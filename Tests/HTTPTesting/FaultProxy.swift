// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// Hands bytes between clients and a server on 127.0.0.1, and spoils the connections that a test names.
package final class FaultProxy: Sendable {
    /// What happens to a connection. Counts are bytes of the whole connection in one direction.
    package enum Fault: Sendable {
        /// Nothing.
        case none
        /// Closed in both directions once the server has sent so many bytes.
        case cutAnswer(after: Int)
        /// Closed in both directions once the client has sent so many bytes.
        case cutRequest(after: Int)
        /// Nothing comes from the server any more once it has sent so many bytes.
        case stallAnswer(after: Int)
    }

    private let server: ScriptedServer

    /// Port that clients connect to.
    package var port: UInt16 { server.port }

    /// Connections so far.
    package var connectionCount: Int { server.connectionCount }

    /// Hands on to `target`.
    ///
    /// - Parameter fault: what happens to the connection of a number, which counts from 1.
    package init(to target: UInt16, fault: @escaping @Sendable (Int) -> Fault) throws {
        server = try ScriptedServer(raw: { client in
            try Self.serve(client, try Self.dial(target), fault(client.number))
        })
    }

    /// Stops listening and breaks every connection.
    package func stop() { server.stop() }

    private static func serve(_ client: ScriptedConnection, _ server: ScriptedConnection, _ fault: Fault) throws {
        let ended = TestSignal("the end of the answers")
        let thread = Thread {
            // Whoever goes away first ends both; what that means is what the tests look at.
            try? pump(from: server, to: client, limit: fault.answerBytes)
            switch fault {
            case .cutAnswer: client.interrupt()
            case .stallAnswer: break
            default: client.closeWriting()
            }
            ended.fire()
        }
        thread.stackSize = 512 << 10
        thread.start()
        defer {
            server.interrupt()
            try? ended.waitOnThread()
        }
        try pump(from: client, to: server, limit: fault.requestBytes)
        if case .cutRequest = fault { client.interrupt() }
    }

    private static func pump(from source: ScriptedConnection, to target: ScriptedConnection, limit: Int?) throws {
        var left = limit ?? .max
        while left > 0 {
            let bytes = try source.receive(min(left, 65_536))
            if bytes.isEmpty { return }
            try target.send(bytes)
            left -= bytes.count
        }
    }

    private static func dial(_ port: UInt16) throws -> ScriptedConnection {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let connection = ScriptedConnection(number: 0, descriptor: descriptor)
        if code != 0 { throw ScriptedConnection.Failure(action: "connect", code: errno) }
        return connection
    }
}

extension FaultProxy.Fault {
    fileprivate var answerBytes: Int? {
        switch self {
        case .cutAnswer(let count), .stallAnswer(let count): count
        case .none, .cutRequest: nil
        }
    }

    fileprivate var requestBytes: Int? {
        if case .cutRequest(let count) = self { return count }
        return nil
    }
}
