// SPDX-License-Identifier: Apache-2.0

@testable import BatchAPI

/// A small generator with a seed, so that a failing round can be repeated.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// A multipart body built straight from its parts, with contents that look like delimiters wherever that is legal.
struct RandomMultipart {
    let boundary: String
    let parts: [FoundPart]
    let body: [UInt8]
    /// Offset behind the closing delimiter.
    let closingEnd: Int

    init(using random: inout SplitMix) {
        let alphabet = Array("abAB01'()+_,-./:=?")
        let length = Int.random(in: 1...(Bool.random(using: &random) ? 4 : 70), using: &random)
        let boundary = String((0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] })
        var body: [UInt8] = []
        if Int.random(in: 0..<4, using: &random) == 0 { body += Array("pre\r\namble\r\n".utf8) }
        body += Array("--\(boundary)".utf8)
        var parts: [FoundPart] = []
        for number in 0..<Int.random(in: 0...5, using: &random) {
            body += Array("\(Self.blanks(&random))\r\n".utf8)
            let part = Self.part(number, boundary, &random)
            body += part.block + part.found.content + Array("\r\n--\(boundary)".utf8)
            parts.append(part.found)
        }
        body += Array("--".utf8)
        closingEnd = body.count
        if Bool.random(using: &random) { body += Array("\r\nepilogue\r\n--\(boundary)\r\n".utf8) }
        self.boundary = boundary
        self.parts = parts
        self.body = body
    }

    private static func blanks(_ random: inout SplitMix) -> String {
        ["", "", "", " ", "\t ", "   "][Int.random(in: 0..<6, using: &random)]
    }

    private static func part(
        _ number: Int, _ boundary: String, _ random: inout SplitMix
    ) -> (block: [UInt8], found: FoundPart) {
        let names = ["file", "purpose", "naïve", "a;b", "quo\"te", "back\\slash"]
        let name = names[Int.random(in: 0..<names.count, using: &random)]
        let filename = [nil, "a.jsonl", "文件 \"1\".jsonl", "..\\..\\x"][Int.random(in: 0..<4, using: &random)]
        let type = [nil, "application/octet-stream"][Int.random(in: 0..<2, using: &random)]
        var lines = ["Content-Disposition: form-data; name=\"\(escaped(name))\""]
        if let filename { lines[0] += "; filename=\"\(escaped(filename))\"" }
        if let type { lines.append("content-TYPE:  \(type) ") }
        if Bool.random(using: &random) { lines.append("X-Other: \(number)") }
        if Bool.random(using: &random) { lines.reverse() }
        let header = PartHeader(name: name, filename: filename, contentType: type)
        let block = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        return (block, FoundPart(header: header, content: content(boundary, &random)))
    }

    private static func escaped(_ text: String) -> String {
        String(text.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] })
    }

    /// Bytes full of near misses, but without a true delimiter.
    private static func content(_ boundary: String, _ random: inout SplitMix) -> [UInt8] {
        let delimiter = Array("\r\n--\(boundary)".utf8)
        var content: [UInt8] = []
        for _ in 0..<Int.random(in: 0...12, using: &random) {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: content += delimiter.prefix(Int.random(in: 1..<delimiter.count, using: &random))
            case 1: content += [0x0D]
            case 2: content += [0x0D, 0x0A]
            case 3: content += [0x2D, 0x2D]
            case 4: content += delimiter + [UInt8(ascii: "~")]
            default:
                let count = Int.random(in: 0...40, using: &random)
                content += (0..<count).map { _ in .random(in: 0...255, using: &random) }
            }
        }
        return isClean(content, delimiter) ? content : Array("plain".utf8)
    }

    /// Whether no delimiter followed by what would make it one stands in `content` or runs out of its end.
    private static func isClean(_ content: [UInt8], _ delimiter: [UInt8]) -> Bool {
        let whole = content + delimiter
        var at = 0
        while at + delimiter.count <= content.count {
            if Array(whole[at..<at + delimiter.count]) == delimiter {
                let next = whole[(at + delimiter.count)...].drop { $0 == 0x20 || $0 == 0x09 }.first
                if next == 0x2D || next == 0x0D { return false }
            }
            at += 1
        }
        // A delimiter that overlaps the end of the content cannot exist: its only CR is its first byte.
        return true
    }
}
