// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import BatchAPI

/// A part as a test states or finds it.
struct FoundPart: Hashable {
    var header: PartHeader
    var content: [UInt8]
}

/// Runs a parser over `body` cut at `cuts` and collects what it finds.
func parseMultipart(
    _ body: [UInt8], boundary: String, cuts: [Int] = [], bounds: MultipartParser.Bounds = .init()
) throws -> [FoundPart] {
    var parser = MultipartParser(boundary: Array(boundary.utf8), bounds: bounds)
    var parts: [FoundPart] = []
    var isOpen = false
    var finishes = 0
    var edges = [0] + cuts.sorted() + [body.count]
    edges = edges.filter { (0...body.count).contains($0) }
    for (from, to) in zip(edges, edges.dropFirst()) {
        try body[from..<to].withUnsafeBytes { bytes in
            try parser.feed(bytes) { event in
                switch event {
                case .partBegin(let header):
                    #expect(!isOpen)
                    isOpen = true
                    parts.append(FoundPart(header: header, content: []))
                case .partBytes(let view):
                    #expect(isOpen && !view.isEmpty)
                    parts[parts.count - 1].content.append(contentsOf: view)
                case .partEnd:
                    #expect(isOpen)
                    isOpen = false
                case .finished:
                    #expect(!isOpen)
                    finishes += 1
                }
            }
        }
    }
    try parser.finish()
    #expect(finishes == 1)
    return parts
}

private let purposeHead = "Content-Disposition: form-data; name=\"purpose\"\r\n\r\n"
private let fileHead = "Content-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\n"

@Suite struct `Multipart bodies` {
    @Test(arguments: [
        ("--b\r\n\(purposeHead)batch\r\n--b--\r\n", ["batch"]),
        ("--b\r\n\(purposeHead)batch\r\n--b--", ["batch"]),
        ("preamble\r\n--b\r\n\(purposeHead)batch\r\n--b--\r\nepilogue", ["batch"]),
        ("\r\n--b\r\n\(purposeHead)\r\n--b--", [""]),
        ("--b \t \r\n\(purposeHead)x\r\n--b\t\r\n\(fileHead)y\r\n--b--", ["x", "y"]),
        ("--b\r\n\(fileHead)line\r\nline\r\n\r\n--b--", ["line\r\nline\r\n"]),
        ("--b\r\n\(fileHead)a\r\n--bb\r\nc\r\n--b--", ["a\r\n--bb\r\nc"]),
        ("--b\r\n\(fileHead)a\r\n--\r\n--b--", ["a\r\n--"]),
        ("--b\r\n\(fileHead)a\r\r\n--b--", ["a\r"]),
        ("--b\r\n\(fileHead)a\r\n--b\r\r\n--b--", ["a\r\n--b\r"]),
        ("--b\r\n\(fileHead)a\r\n--b-x\r\n--b--", ["a\r\n--b-x"]),
    ])
    func `are taken apart wherever they are cut`(body: String, contents: [String]) throws {
        let bytes = Array(body.utf8)
        for cut in 0...bytes.count {
            let parts = try parseMultipart(bytes, boundary: "b", cuts: [cut])
            #expect(parts.map { String(decoding: $0.content, as: UTF8.self) } == contents, "cut at \(cut)")
        }
        let parts = try parseMultipart(bytes, boundary: "b", cuts: Array(0...bytes.count))
        #expect(parts.map { String(decoding: $0.content, as: UTF8.self) } == contents)
    }

    @Test(arguments: [
        "", "--b", "--b\r\n", "--b\r\n\(purposeHead)", "--b\r\n\(purposeHead)batch",
        "--b\r\n\(purposeHead)batch\r\n--b",
        "--b\r\n\(purposeHead)batch\r\n--b-", "--b\r\n\(purposeHead)batch\r\n--b\r\n", "no delimiter at all",
        "--other\r\n\(purposeHead)batch\r\n--other--\r\n",
    ])
    func `without their closing delimiter are refused`(body: String) {
        #expect(throws: (any Error).self) { try parseMultipart(Array(body.utf8), boundary: "b") }
    }

    @Test(arguments: [
        "X: y\r\n\r\n", "\r\n", "Content-Disposition: form-data\r\n\r\n",
        "Content-Disposition: form-data; name=\"\"\r\n\r\n",
        "Content-Disposition: attachment; name=\"file\"\r\n\r\n", "no colon\r\n\r\n", ": empty\r\n\r\n",
        "Content-Disposition: form-data; name=\"open\r\n\r\n", "Content-Disposition: form-data; name=\"a\0\"\r\n\r\n",
        "\(purposeHead.dropLast(2))Content-Transfer-Encoding: base64\r\n\r\n",
        String(repeating: "X-Many: y\r\n", count: 33) + purposeHead,
    ])
    func `with useless part headers are refused`(header: String) {
        let body = Array("--b\r\n\(header)x\r\n--b--".utf8)
        #expect(throws: (any Error).self) { try parseMultipart(body, boundary: "b") }
    }

    @Test func `keep their limits on headers, parts and surroundings`() throws {
        var bounds = MultipartParser.Bounds()
        bounds.partsMax = 3
        bounds.headerBytesMax = 100
        bounds.surroundBytesMax = 50
        func body(parts: Int, padding: Int = 0, preamble: Int = 0, epilogue: Int = 0) -> [UInt8] {
            let part = "Padding: \(String(repeating: "x", count: padding))\r\n\(purposeHead)v\r\n--b"
            let parts = Array(repeating: "\r\n\(part)", count: parts).joined()
            let before = preamble > 0 ? String(repeating: "p", count: preamble) + "\r\n" : ""
            return Array("\(before)--b\(parts)--\(String(repeating: "e", count: epilogue))".utf8)
        }
        #expect(try parseMultipart(body(parts: 3), boundary: "b", bounds: bounds).count == 3)
        #expect(throws: (any Error).self) { try parseMultipart(body(parts: 4), boundary: "b", bounds: bounds) }
        #expect(throws: (any Error).self) {
            try parseMultipart(body(parts: 1, padding: 100), boundary: "b", bounds: bounds)
        }
        #expect(try parseMultipart(body(parts: 1, preamble: 40), boundary: "b", bounds: bounds).count == 1)
        #expect(throws: (any Error).self) {
            try parseMultipart(body(parts: 1, preamble: 60), boundary: "b", bounds: bounds)
        }
        #expect(throws: (any Error).self) {
            try parseMultipart(body(parts: 1, epilogue: 60), boundary: "b", bounds: bounds)
        }
    }

    @Test func `built at random come back whole however they are cut`() throws {
        var random = SplitMix(seed: 20_261_121)
        for round in 0..<4_000 {
            let built = RandomMultipart(using: &random)
            let cutCount = Int.random(in: 0...12, using: &random)
            let cuts = (0..<cutCount).map { _ in Int.random(in: 0...built.body.count, using: &random) }
            let found = try parseMultipart(built.body, boundary: built.boundary, cuts: cuts)
            #expect(found == built.parts, "round \(round), boundary \(built.boundary), cuts \(cuts)")
            if found != built.parts { return }
        }
    }

    @Test func `cut off anywhere before their end are refused`() throws {
        var random = SplitMix(seed: 7)
        for _ in 0..<500 {
            let built = RandomMultipart(using: &random)
            let end = Int.random(in: 0..<built.closingEnd, using: &random)
            #expect(throws: (any Error).self) {
                try parseMultipart(Array(built.body[..<end]), boundary: built.boundary)
            }
        }
    }
}
