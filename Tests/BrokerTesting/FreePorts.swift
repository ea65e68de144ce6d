// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Ports of the loopback address that nobody listens on.
enum FreePorts {
    /// Below the ports that systems give to outgoing connections: while a broker is down, such a connection could take
    /// its port, even one to this very port.
    private static let range = 12_000..<30_000
    private static let attemptsMax = 1000

    /// `count` different ones. All are held until the last is found; then somebody else could take them.
    static func find(_ count: Int) throws -> [Int] {
        var sockets: [CInt] = []
        defer { for socket in sockets { close(socket) } }
        var found: [Int] = []
        for _ in 0..<attemptsMax where found.count < count {
            let socket = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
            guard socket >= 0 else { break }
            sockets.append(socket)
            let port = Int.random(in: range)
            if bindToLoopback(socket, port) { found.append(port) }
        }
        guard found.count == count else {
            throw BrokerTestingError("no port is free: \(String(cString: strerror(errno)))")
        }
        return found
    }

    private static func bindToLoopback(_ socket: CInt, _ port: Int) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
