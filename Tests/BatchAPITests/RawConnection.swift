// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Foundation
import Glibc

/// A response as it came over the wire.
struct RawResponse: Sendable {
    let status: Int
    let headers: [(name: String, value: String)]
    let body: [UInt8]

    /// The one value of a header.
    subscript(name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    var bodyText: String { String(decoding: body, as: UTF8.self) }

    /// The body as a JSON object.
    var object: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
    }

    /// A text of the JSON object.
    func text(_ name: String) -> String? { object[name] as? String }

    /// The `error` of an error body.
    var error: [String: Any] { object["error"] as? [String: Any] ?? [:] }

    /// Whether this is a complete error body with the headers that every response has.
    var isProperError: Bool {
        Set(error.keys) == ["message", "type", "param", "code"] && self["content-type"] == "application/json"
            && hasRequestID
    }

    /// Whether the request id has its form.
    var hasRequestID: Bool {
        self["x-request-id"]?.wholeMatch(of: /req_[0-9a-f]{32}/) != nil
    }
}

/// The connection did something else than the test expects.
struct RawFault: Error, CustomStringConvertible {
    let description: String
}

/// A TCP connection to loopback on which a test says exactly what it wants. Calls block on threads of their own, each
/// with a deadline of 20 s.
final class RawConnection: Sendable {
    private let descriptor: CInt

    init(port: Int) async throws {
        descriptor = try await Self.onThread {
            let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var limit = timeval(tv_sec: 20, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard result == 0 else { throw RawFault(description: "connect: errno \(errno)") }
            return descriptor
        }
    }

    deinit { close(descriptor) }

    /// Sends bytes; false when the server has closed its side meanwhile.
    @discardableResult
    func send(_ bytes: [UInt8]) async throws -> Bool {
        let descriptor = descriptor
        return try await Self.onThread {
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes { view in
                    Glibc.send(
                        descriptor, view.baseAddress.map { $0 + sent }, bytes.count - sent, CInt(MSG_NOSIGNAL))
                }
                if count < 0, errno == EPIPE || errno == ECONNRESET { return false }
                guard count > 0 else { throw RawFault(description: "send: errno \(errno)") }
                sent += count
            }
            return true
        }
    }

    @discardableResult
    func send(_ text: String) async throws -> Bool { try await send(Array(text.utf8)) }

    /// Sends a byte now and then until there is something to read, for 20 s at most.
    func drip() async throws {
        let descriptor = descriptor
        try await Self.onThread {
            for _ in 0..<1_000 {
                var byte = UInt8(ascii: " ")
                _ = Glibc.send(descriptor, &byte, 1, CInt(MSG_NOSIGNAL))
                var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                if poll(&watched, 1, 20) == 1 { return }
            }
            throw RawFault(description: "the server put up with a dripping body")
        }
    }

    /// Closes the sending side.
    func finishSending() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Makes the end of this connection a reset.
    func resetOnClose() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    /// One response, read to the end of its Content-Length.
    func receive(isHead: Bool = false) async throws -> RawResponse {
        let descriptor = descriptor
        return try await Self.onThread { try Self.response(descriptor, isHead: isHead) }
    }

    /// What comes until the server closes.
    func receiveAll() async throws -> [UInt8] {
        let descriptor = descriptor
        return try await Self.onThread {
            var all: [UInt8] = []
            while let bytes = try Self.read(descriptor, 65_536), !bytes.isEmpty { all += bytes }
            return all
        }
    }

    /// What comes up to and including `text`.
    func receive(until text: String) async throws -> String {
        let descriptor = descriptor
        let end = Array(text.utf8)
        return try await Self.onThread {
            var all: [UInt8] = []
            while !all.suffix(end.count).elementsEqual(end) {
                guard let byte = try Self.read(descriptor, 1), !byte.isEmpty else {
                    throw RawFault(description: "closed after \(String(decoding: all, as: UTF8.self))")
                }
                all += byte
            }
            return String(decoding: all, as: UTF8.self)
        }
    }

    /// Whether the server has closed the connection and nothing is left to read.
    func isClosed() async throws -> Bool { try await receiveAll().isEmpty }

    private static func response(_ descriptor: CInt, isHead: Bool) throws -> RawResponse {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual([0x0D, 0x0A, 0x0D, 0x0A]) {
            guard let byte = try read(descriptor, 1), !byte.isEmpty else {
                throw RawFault(description: "closed after \(String(decoding: head, as: UTF8.self))")
            }
            head += byte
        }
        let lines = String(decoding: head.dropLast(4), as: UTF8.self).components(separatedBy: "\r\n")
        guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw RawFault(description: "no status line: \(lines[0])")
        }
        let headers = lines.dropFirst().map { line in
            let pieces = line.split(separator: ":", maxSplits: 1)
            return (name: String(pieces[0]), value: pieces[1].trimmingCharacters(in: .whitespaces))
        }
        let length = headers.first { $0.name.lowercased() == "content-length" }.flatMap { Int($0.value) } ?? 0
        var body: [UInt8] = []
        while !isHead, status >= 200, body.count < length {
            guard let bytes = try read(descriptor, length - body.count), !bytes.isEmpty else { break }
            body += bytes
        }
        return RawResponse(status: status, headers: headers, body: body)
    }

    /// Some bytes; empty at the end; nil after a reset.
    private static func read(_ descriptor: CInt, _ most: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: min(most, 65_536))
        let count = recv(descriptor, &bytes, bytes.count, 0)
        if count < 0, errno == ECONNRESET { return nil }
        guard count >= 0 else { throw RawFault(description: "nothing came within 20 s (errno \(errno))") }
        return Array(bytes.prefix(count))
    }

    private static func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value
    {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result(catching: work)) }
        }
    }
}
