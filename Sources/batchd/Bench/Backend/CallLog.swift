// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Glibc

/// One call as the bench's backend saw it.
struct CallRecord: Hashable, Sendable {
    /// Of which line; nil tag and number of zero when the request had no marker.
    var marker: LineMarker
    /// When its request was whole, in microseconds of the machine's monotonic clock.
    var began: Int64
    /// When it was answered or over.
    var ended: Int64
    /// What was answered, or one of the values below.
    var status: Int
    /// The key that the caller sent.
    var caller: String

    /// The caller closed the connection before there was an answer.
    static let abandoned = 499
    /// The backend cut the connection, as it was told to.
    static let cut = 0

    /// The machine's monotonic clock in microseconds, the same in all its processes.
    static func now() -> Int64 { MonotonicNanoseconds.now() / 1_000 }
}

/// Writes call records as lines `tag number began ended status caller`; what was flushed outlives the process.
final class CallLogWriter {
    private let path: String
    private let file: Int32
    private var buffer: [UInt8] = []

    /// Appends to the file at `path`.
    init(path: String) throws {
        self.path = path
        file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw PrivateClusterError.system("write", path, code: errno) }
    }

    deinit { close(file) }

    /// Takes a record in.
    func append(_ record: CallRecord) {
        let text =
            "\(record.marker.tag) \(record.marker.number) \(record.began) \(record.ended) \(record.status) "
            + "\(record.caller)\n"
        buffer += Array(text.utf8)
    }

    /// Hands everything to the kernel.
    func flush() throws {
        guard !buffer.isEmpty else { return }
        try writeAll(buffer, to: file, name: path)
        buffer.removeAll(keepingCapacity: true)
    }
}

/// Reads what a backend has logged since the last look.
struct CallLogReader: Sendable {
    /// The log's path.
    let path: String
    private var position: off_t = 0
    private var rest: [UInt8] = []

    /// Bytes read at once.
    private static let pieceBytes = 1 << 20

    /// A reader at the beginning of the log at `path`.
    init(path: String) {
        self.path = path
    }

    /// The records that were added since the last call. Blocks.
    mutating func next() throws -> [CallRecord] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw PrivateClusterError.system("read", path, code: errno) }
        defer { close(file) }
        lseek(file, position, SEEK_SET)
        var records: [CallRecord] = []
        var piece = [UInt8](repeating: 0, count: Self.pieceBytes)
        while true {
            let count = read(file, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw PrivateClusterError.system("read", path, code: errno) }
            guard count > 0 else { return records }
            position += off_t(count)
            rest += piece[..<count]
            let whole = rest.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            for line in rest[..<whole].split(separator: UInt8(ascii: "\n")) {
                guard let record = Self.record(line) else {
                    let text = String(decoding: line, as: UTF8.self)
                    throw BenchFault("\(path) has a line that is no call record: \(text)")
                }
                records.append(record)
            }
            rest.removeFirst(whole)
        }
    }

    private static func record(_ line: ArraySlice<UInt8>) -> CallRecord? {
        let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard fields.count == 6, let tag = integer(fields[0]), let number = integer(fields[1]),
            let began = integer(fields[2]), let ended = integer(fields[3]), let status = integer(fields[4])
        else { return nil }
        return CallRecord(
            marker: LineMarker(tag: UInt32(truncatingIfNeeded: tag), number: UInt32(truncatingIfNeeded: number)),
            began: began, ended: ended, status: Int(status), caller: String(decoding: fields[5], as: UTF8.self))
    }

    private static func integer(_ digits: ArraySlice<UInt8>) -> Int64? {
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return value
    }
}
