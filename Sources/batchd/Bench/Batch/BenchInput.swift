// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Glibc

/// An input file of a given number of lines and bytes; the same bytes every time.
///
/// Line `i`, from 0, has the custom_id `line-` and `i` in eight digits; its text is of random words, so that neither
/// compression nor the scanner has an easier life than in earnest.
struct BenchInput: Hashable, Sendable {
    /// How many lines, 1…`linesMax`.
    let lines: Int
    /// How many bytes in all, line ends included.
    let bytes: Int
    /// The path that every line names.
    let endpoint: String
    /// The model that every line names.
    let model: String
    /// The tag of the marker that every line's text begins with; nil: no markers.
    var tag: UInt32?

    /// What eight digits can count.
    static let linesMax = 100_000_000
    /// Largest piece written at once, in bytes; a line may go beyond it.
    private static let pieceBytes = 1 << 20

    /// An input of `lines` lines and `bytes` bytes.
    ///
    /// - Throws: ``BenchFault`` when lines of that size cannot hold a request.
    init(lines: Int, bytes: Int, endpoint: String, model: String, tag: UInt32? = nil) throws {
        self.tag = tag
        self.lines = lines
        self.bytes = bytes
        self.endpoint = endpoint
        self.model = model
        guard (1...Self.linesMax).contains(lines) else {
            throw BenchFault("--lines must be 1…\(Self.linesMax), is \(lines)")
        }
        guard bytes > 0, !bytes.multipliedReportingOverflow(by: lines).overflow else {
            throw BenchFault("an input of \(bytes) bytes in \(lines) lines cannot be made: ask for less")
        }
        let least = head(0).count + Self.tail.count + 1
        guard bytes / lines >= least else {
            throw BenchFault("lines of \(bytes / lines) bytes cannot hold a request: give them at least \(least)")
        }
    }

    /// An input of `lines` lines of `lineBytes` bytes each.
    init(lines: Int, lineBytes: Int, endpoint: String, model: String, tag: UInt32? = nil) throws {
        // Too large a product is refused by the other initialiser.
        let bytes = lines.multipliedReportingOverflow(by: lineBytes)
        try self.init(
            lines: lines, bytes: bytes.overflow ? .max : bytes.partialValue, endpoint: endpoint, model: model, tag: tag)
    }

    /// Writes the file to `path`. Blocks.
    func write(to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw PrivateClusterError.system("write", path, code: errno) }
        defer { close(file) }
        var words = RandomWords()
        var piece: [UInt8] = []
        for number in 0..<lines {
            appendLine(number, &words, to: &piece)
            guard piece.count >= Self.pieceBytes || number == lines - 1 else { continue }
            try writeAll(piece, to: file, name: path)
            piece.removeAll(keepingCapacity: true)
        }
    }

    /// Appends line `number` with its line end.
    func appendLine(_ number: Int, _ words: inout RandomWords, to output: inout [UInt8]) {
        let head = head(number)
        output += head
        words.append(byteCount(ofLine: number) - head.count - Self.tail.count - 1, to: &output)
        output += Self.tail
        output.append(UInt8(ascii: "\n"))
    }

    /// The size of line `number`: all lines are of the same size within one byte, and together exactly ``bytes``.
    func byteCount(ofLine number: Int) -> Int {
        (number + 1) * bytes / lines - number * bytes / lines
    }

    /// The custom_id of line `number`.
    static func customID(_ number: Int) -> String {
        let digits = String(number)
        return "line-" + String(repeating: "0", count: max(8 - digits.count, 0)) + digits
    }

    /// The line whose custom_id that is; nil for any other text.
    static func number(customID: String) -> Int? {
        customID.hasPrefix("line-") ? Int(customID.dropFirst(5)) : nil
    }

    private func head(_ number: Int) -> [UInt8] {
        var head = Array(
            (#"{"custom_id":"\#(Self.customID(number))","method":"POST","url":"\#(endpoint)","#
                + #""body":{"model":"\#(model)","messages":[{"role":"user","content":""#).utf8)
        if let tag {
            LineMarker(tag: tag, number: UInt32(number)).append(to: &head)
            head.append(UInt8(ascii: " "))
        }
        return head
    }

    private static let tail = Array(#""}]}}"#.utf8)
}
