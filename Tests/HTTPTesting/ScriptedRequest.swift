// SPDX-License-Identifier: Apache-2.0

/// A request as it arrived at a `ScriptedServer`.
package struct ScriptedRequest: Sendable {
    /// Method, as sent.
    package let method: String
    /// Path and query, as sent.
    package let target: String
    /// Header fields in the order sent.
    package let headers: [(name: String, value: String)]
    /// Body without its chunked framing; empty when it is larger than the server keeps.
    package let body: [UInt8]
    /// Body bytes received.
    package let bodyCount: Int
    /// 1 for the first request on its connection, and so on.
    package let numberOnConnection: Int

    /// Value of the first field of that name; nil when absent.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// Text of the body.
    package var text: String { String(decoding: body, as: UTF8.self) }
}

/// Reads requests from a connection, one after another.
struct ScriptedRequestReader {
    /// Connection to read from.
    let connection: ScriptedConnection
    /// Largest body kept; the bytes of a larger one are only counted.
    let bodyBytesKept: Int
    private var count = 0

    /// A reader at the start of a connection.
    init(_ connection: ScriptedConnection, bodyBytesKept: Int) {
        self.connection = connection
        self.bodyBytesKept = bodyBytesKept
    }

    /// Next request with its whole body; nil when the peer has closed.
    mutating func next() throws -> ScriptedRequest? {
        guard let head = try readHead() else { return nil }
        let lines = head.split(separator: "\r\n", omittingEmptySubsequences: true)
        let words = lines.first?.split(separator: " ") ?? []
        let headers = lines.dropFirst().map { line -> (name: String, value: String) in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? String(parts[1]) : ""
            return (name: String(parts[0]), value: String(value.drop { $0 == " " }))
        }
        func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }

        var body = KeptBody(bytesMax: bodyBytesKept)
        if header("transfer-encoding")?.lowercased() == "chunked" {
            while let size = try Int(readLine(), radix: 16) {
                try read(size) { body.add($0) }
                _ = try readLine()
                if size == 0 { break }
            }
        } else if let length = header("content-length").flatMap({ Int($0) }) {
            try read(length) { body.add($0) }
        }
        count += 1
        return ScriptedRequest(
            method: words.first.map(String.init) ?? "", target: words.count > 1 ? String(words[1]) : "",
            headers: headers, body: body.bytes, bodyCount: body.count, numberOnConnection: count)
    }

    private func readHead() throws -> String? {
        var head: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while true {
            let piece = try connection.receive()
            if piece.isEmpty { return nil }
            let searchFrom = max(head.count - 3, 0)
            head += piece
            guard head.count >= 4 else { continue }
            for index in searchFrom...(head.count - 4) where head[index..<(index + 4)].elementsEqual(end) {
                connection.unreceive(Array(head[(index + 4)...]))
                return String(decoding: head[..<index], as: UTF8.self)
            }
        }
    }

    private func readLine() throws -> String {
        var line: [UInt8] = []
        while true {
            guard let byte = try connection.receive(1).first else {
                throw ScriptedConnection.Failure(action: "read a line", code: 0)
            }
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            if byte != UInt8(ascii: "\r") { line.append(byte) }
        }
    }

    private func read(_ count: Int, _ take: ([UInt8]) -> Void) throws {
        var left = count
        while left > 0 {
            let piece = try connection.receive(min(left, 262_144))
            if piece.isEmpty { throw ScriptedConnection.Failure(action: "read a body", code: 0) }
            left -= piece.count
            take(piece)
        }
    }
}

/// A body, kept while it is small enough.
private struct KeptBody {
    let bytesMax: Int
    var bytes: [UInt8] = []
    var count = 0

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    mutating func add(_ piece: [UInt8]) {
        count += piece.count
        if count <= bytesMax { bytes += piece } else { bytes = [] }
    }
}
