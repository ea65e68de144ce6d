// SPDX-License-Identifier: Apache-2.0

import Foundation

/// HTTP/1.1 over a plain socket, one request per connection: the tests decide about every byte that is sent, and
/// nothing of the product is between them and the server.
package enum Wire {
    /// Longest silence of the server before an exchange fails.
    private static let silenceSeconds = 90

    /// Sends raw bytes to a port of 127.0.0.1 and reads the answer until it is complete or the server closes.
    package static func exchange(_ request: [UInt8], port: Int) async throws -> WireAnswer {
        try await withCheckedThrowingContinuation { continuation in
            // Blocking calls have a thread of their own.
            Thread.detachNewThread {
                continuation.resume(with: Result { try WireAnswer(parsing: transfer(request, port)) })
            }
        }
    }

    private static func transfer(_ request: [UInt8], _ port: Int) throws -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw HarnessError("cannot make a socket: errno \(errno)") }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: silenceSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw HarnessError("nobody listens on port \(port): errno \(errno)") }
        var sent = 0
        while sent < request.count {
            let count = request.withUnsafeBytes { bytes in
                send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            // A server may answer and close before it has read everything.
            guard count > 0 else { break }
            sent += count
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else {
                if count < 0, answer.isEmpty { throw HarnessError("no answer from port \(port): errno \(errno)") }
                return answer
            }
            answer += buffer.prefix(count)
            answer = WireAnswer.withoutInterim(answer)
            if WireAnswer.isComplete(answer, toHead: request.starts(with: "HEAD ".utf8)) { return answer }
        }
    }
}

/// What a server answered.
package struct WireAnswer: Sendable {
    /// HTTP status.
    package let status: Int
    /// Header fields by lower-case name.
    package let headers: [String: String]
    /// The body, with its transfer coding undone.
    package let body: [UInt8]

    init(parsing bytes: [UInt8]) throws {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw HarnessError("no HTTP answer: \(String(decoding: bytes.prefix(500), as: UTF8.self))")
        }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
        var lines = head.split(separator: "\r\n").makeIterator()
        let first = lines.next()?.split(separator: " ") ?? []
        guard first.count > 1, let status = Int(first[1]) else { throw HarnessError("no HTTP status: \(head)") }
        var headers: [String: String] = [:]
        while let line = lines.next() {
            let pair = line.split(separator: ":", maxSplits: 1)
            if pair.count == 2 { headers[pair[0].lowercased()] = pair[1].trimmingCharacters(in: .whitespaces) }
        }
        self.status = status
        self.headers = headers
        let rest = Array(bytes[end.upperBound...])
        body = headers["transfer-encoding"] == "chunked" ? try Self.joined(rest) : rest
    }

    /// The bytes without a `100 Continue` before the answer.
    fileprivate static func withoutInterim(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.starts(with: "HTTP/1.1 100".utf8), let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
            return bytes
        }
        return Array(bytes[end.upperBound...])
    }

    /// Whether all bytes of an answer are there; an answer of unknown length ends with its connection.
    fileprivate static func isComplete(_ bytes: [UInt8], toHead: Bool) -> Bool {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return false }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).lowercased()
        if toHead { return true }
        if head.contains("\r\ntransfer-encoding: chunked") { return bytes.suffix(7) == Array("\r\n0\r\n\r\n".utf8) }
        guard let field = head.firstRange(of: "\r\ncontent-length:") else { return false }
        let length = head[field.upperBound...].prefix { $0 != "\r\n" }.trimmingCharacters(in: .whitespaces)
        return Int(length).map { bytes.count - end.upperBound >= $0 } ?? false
    }

    private static func joined(_ bytes: [UInt8]) throws -> [UInt8] {
        var body: [UInt8] = []
        var rest = bytes[...]
        while let line = rest.firstRange(of: Array("\r\n".utf8)) {
            let size = String(decoding: rest[..<line.lowerBound], as: UTF8.self).prefix { $0.isHexDigit }
            guard let count = Int(size, radix: 16), rest[line.upperBound...].count >= count else { break }
            if count == 0 { return body }
            body += rest[line.upperBound...].prefix(count)
            rest = rest[line.upperBound...].dropFirst(count + 2)
        }
        throw HarnessError("the answer was cut off after \(body.count) bytes")
    }

    /// The body as text.
    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as a JSON object of some shape.
    package func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            throw HarnessError("HTTP \(status) is no \(type): \(text.prefix(1_000)) (\(error))")
        }
    }

    /// The error object of a refusal.
    package func refusal() throws -> Refusal { try decode(RefusalEnvelope.self).error }
}

private struct RefusalEnvelope: Decodable {
    let error: Refusal
}

/// The inside of an error body.
package struct Refusal: Decodable, Hashable, Sendable {
    /// A sentence for people.
    package let message: String
    /// Such as `invalid_request_error`.
    package let type: String
    /// A word for programs.
    package let code: String?
    /// The field at fault.
    package let param: String?
}
