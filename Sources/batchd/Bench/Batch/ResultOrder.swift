// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Glibc

/// Checks the result files of a bench's batch: every line of the input once, in input order within each file.
///
/// Needs one bit per line, however large the files are.
struct ResultOrder: Sendable {
    /// Lines of the input.
    let lines: Int
    /// Results found so far, over all files.
    private(set) var found = 0

    private var seen: [UInt64]
    private var lastNumber = -1

    /// Longest result line that is read.
    private static let lineBytesMax = 64 << 20
    /// Bytes read at once.
    private static let pieceBytes = 1 << 20

    /// A check of a batch of `lines` lines that has seen nothing.
    init(lines: Int) {
        self.lines = lines
        seen = Array(repeating: 0, count: (lines + 63) / 64)
    }

    /// Reads the file at `path`. Blocks.
    ///
    /// - Parameter judge: sees every line with its number in the input; throws when it is wrong.
    /// - Throws: ``BenchFault`` at the first line that is wrong.
    mutating func read(
        _ path: String, judge: (UnsafeRawBufferPointer, Int) throws -> Void = { _, _ in }
    ) throws {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw PrivateClusterError.system("read", path, code: errno) }
        defer { close(file) }
        lastNumber = -1
        var splitter = LineSplitter(lineBytesMax: Self.lineBytesMax)
        var piece = [UInt8](repeating: 0, count: Self.pieceBytes)
        while true {
            let count = Glibc.read(file, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw PrivateClusterError.system("read", path, code: errno) }
            guard count > 0 else { break }
            try piece.withUnsafeBytes { bytes in
                try splitter.feed(UnsafeRawBufferPointer(rebasing: bytes[..<count])) {
                    try take($0.bytes, $0.number)
                    try judge($0.bytes, lastNumber)
                }
            }
        }
        try splitter.finish {
            try take($0.bytes, $0.number)
            try judge($0.bytes, lastNumber)
        }
    }

    /// Says that all files were read.
    ///
    /// - Throws: ``BenchFault`` when a line has no result.
    func finish() throws {
        guard found < lines else { return }
        let first = (0..<lines).first { seen[$0 / 64] & (1 << UInt64($0 % 64)) == 0 }
        let name = first.map(BenchInput.customID) ?? "unknown"
        throw BenchFault("\(lines - found) of \(lines) lines have no result, the first of them is \(name)")
    }

    /// Takes in one result line; `number` is its place in the file, from 1.
    mutating func take(_ line: UnsafeRawBufferPointer, _ number: Int) throws {
        guard let id = Self.customID(line), let index = BenchInput.number(customID: id), (0..<lines).contains(index)
        else { throw BenchFault("line \(number) of the results has no custom_id of the input") }
        let bit: UInt64 = 1 << UInt64(index % 64)
        guard seen[index / 64] & bit == 0 else { throw BenchFault("\(id) has two results") }
        guard index > lastNumber else { throw BenchFault("\(id), line \(number) of the results, is out of order") }
        seen[index / 64] |= bit
        lastNumber = index
        found += 1
    }

    private static func customID(_ line: UnsafeRawBufferPointer) -> String? {
        var scanner = JSONScanner(line)
        var id: String?
        do {
            try scanner.start()
            try scanner.members { scanner, key throws(JSONFault) in
                let isID = scanner.reads(key, "custom_id")
                let value = try scanner.value()
                if isID { id = JSONText.string(scanner.raw(value)) }
            }
            try scanner.finish()
        } catch {
            return nil
        }
        return id
    }
}
