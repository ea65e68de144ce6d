// SPDX-License-Identifier: Apache-2.0
import CEpoll
import Glibc

/// TCP ports of 127.0.0.1.
enum LoopbackPort {
    /// A socket bound to a free port, which refuses every connection unless somebody listens on it.
    static func bound() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard descriptor >= 0, status == 0 else { throw fault("take a port") }
        return descriptor
    }

    /// The port of a socket; 0 when it has none.
    static func number(of descriptor: Int32) -> UInt16 { port { getsockname(descriptor, $0, $1) } }

    /// The port of a socket's other end; 0 when that is gone.
    static func peer(of descriptor: Int32) -> UInt16 { port { getpeername(descriptor, $0, $1) } }

    /// Makes a socket one that does not block and sends at once.
    static func prepare(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    /// What the system refused, in words.
    static func fault(_ what: String) -> BenchFault {
        BenchFault("the bench's receiver cannot \(what): \(SystemReason.text(errno))")
    }

    /// The process among `candidates` whose connection leads from `sender` to `receiver`; nil when it is none of them.
    static func owner(of sender: UInt16, to receiver: UInt16, among candidates: [Int32]) -> Int32? {
        guard let table = DirectoryEntries.text(of: "/proc/net/tcp", limit: 8 << 20),
            let inode = inode(of: sender, to: receiver, in: table)
        else { return nil }
        return candidates.first { pid in
            let folder = "/proc/\(pid)/fd"
            return DirectoryEntries.names(in: folder).contains { link(of: "\(folder)/\($0)") == "socket:[\(inode)]" }
        }
    }

    /// The number of the socket with those two ports in the text of `/proc/net/tcp`. (proc(5))
    static func inode(of sender: UInt16, to receiver: UInt16, in table: String) -> String? {
        let ends = [sender, receiver].map { "0100007F:" + hexadecimal($0) }
        for line in table.split(separator: "\n") where line.contains(ends[0]) {
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[1] == ends[0], fields[2] == ends[1] else { continue }
            return String(fields[9])
        }
        return nil
    }

    private static func hexadecimal(_ port: UInt16) -> String {
        let digits = String(port, radix: 16, uppercase: true)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }

    private static func link(of path: String) -> String {
        var buffer = [CChar](repeating: 0, count: 64)
        let count = readlink(path, &buffer, buffer.count)
        return String(decoding: buffer[..<max(count, 0)].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func port(
        _ ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask($0, &length) }
        }
        return status == 0 ? in_port_t(bigEndian: address.sin_port) : 0
    }
}

/// The time of day, which all processes of a machine share.
enum WallClock {
    /// Microseconds since 1970.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}
