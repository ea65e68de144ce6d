// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Glibc

/// A result as a line, ready for its file.
struct FinishedLine: Sendable {
    /// Which request of the input it belongs to.
    let ordinal: Int
    /// The line, its line break included.
    let bytes: [UInt8]
    /// Whether the request failed.
    let isFailed: Bool
}

/// What a journal belongs to: a run that goes on must have the same.
struct Fingerprint: Hashable, Sendable {
    /// Size of the input.
    var inputBytes: Int64
    /// SHA-256 of the input.
    var inputHash: [UInt8]
    /// How results are written.
    var format: ResultFormat
    /// Whether failed lines have a file of their own.
    var splitsErrors: Bool

    /// The first line of a journal.
    var head: [UInt8] {
        let hash = inputHash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return JSONValue.object([
            .init("journal", .string("batchctl run")), .init("version", .integer(1)),
            .init("input_bytes", .integer(inputBytes)), .init("input_sha256", .string(hash)),
            .init("format", .string(format.rawValue)), .init("split_errors", .bool(splitsErrors)),
        ]).bytes + [UInt8(ascii: "\n")]
    }
}

/// Results that finished before an earlier line did, in a file beside the output, so that they survive the process.
///
/// A head line, then frames: 4 bytes length and 8 bytes checksum of what follows, 8 bytes ordinal with the failure in
/// its lowest bit, the result line; all little-endian. Blocks.
struct Journal {
    /// Where it is.
    let path: String
    private let fingerprint: Fingerprint
    private var file: OpenFile
    /// Its length in bytes.
    private(set) var length: Int64

    /// Bytes of a frame before its result line.
    static let frameHead = 20
    /// What its name ends with while it is written anew.
    static let freshSuffix = ".new"
    private static let key = HashKey(low: 0x7368_6172_646C_696E, high: 0x6A6F_7572_6E61_6C31)
    /// Longest result line, as a guard against lengths that are none.
    private static let lineBytesMax = 1 << 30

    /// A new, empty journal; one that was there is replaced.
    init(path: String, fingerprint: Fingerprint) throws(RunError) {
        self.path = path
        self.fingerprint = fingerprint
        file = try OpenFile(path, flags: O_RDWR | O_CREAT | O_TRUNC)
        try file.write(fingerprint.head)
        length = Int64(fingerprint.head.count)
    }

    private init(path: String, fingerprint: Fingerprint, file: OpenFile, length: Int64) {
        self.path = path
        self.fingerprint = fingerprint
        self.file = file
        self.length = length
    }

    /// The journal that is there, cut after its last whole frame; `take` gets the place of every result in it.
    ///
    /// - Throws: when it belongs to another run.
    init(
        reading path: String, fingerprint: Fingerprint, _ take: (_ ordinal: Int, AheadRing.Place) -> Void
    ) throws(RunError) {
        self.path = path
        self.fingerprint = fingerprint
        file = try OpenFile(path, flags: O_RDWR | O_CREAT)
        let end = try file.length()
        let head = fingerprint.head
        let found = try file.bytes(at: 0, length: min(head.count, Int(end)))
        guard head.starts(with: found) else { throw Self.stranger(path) }
        guard found.count == head.count else {
            // Its run did not get further than this.
            try file.cut(to: 0)
            try file.write(head)
            length = Int64(head.count)
            return
        }
        length = Int64(head.count)
        while let frame = try Self.frame(in: file, at: length, end: end) {
            take(frame.ordinal, AheadRing.Place(offset: length, isFailed: frame.isFailed))
            length += Int64(Self.frameHead + frame.bytes.count)
        }
        try file.cut(to: length)
    }

    /// Appends results in one write; returns the offsets of their frames.
    mutating func append(_ lines: [FinishedLine]) throws(RunError) -> [Int64] {
        var out: [UInt8] = []
        var offsets: [Int64] = []
        for line in lines {
            offsets.append(length + Int64(out.count))
            Self.append(line, to: &out)
        }
        try file.write(out)
        length += Int64(out.count)
        return offsets
    }

    /// The result whose frame is at `offset`.
    func line(at offset: Int64) throws(RunError) -> FinishedLine {
        guard let line = try Self.frame(in: file, at: offset, end: length) else {
            throw RunError(.localFile, "cannot read \(path): it was changed while the run used it")
        }
        return line
    }

    /// Brings it to the disk.
    func sync() throws(RunError) { try file.sync() }

    /// Writes it anew with the results of `ring` only, whose places change with it. Those before are in their files.
    ///
    /// - Throws: leaving both as they were.
    mutating func compact(_ ring: inout AheadRing, kept: (Int) -> [UInt8]?) throws(RunError) {
        var moved = ring
        do throws(RunError) {
            self = try rewritten(&moved, kept: kept)
        } catch {
            unlink(path + Self.freshSuffix)
            throw error
        }
        ring = moved
    }

    /// What takes its place, under its name.
    private func rewritten(_ ring: inout AheadRing, kept: (Int) -> [UInt8]?) throws(RunError) -> Journal {
        let fresh = path + Self.freshSuffix
        var next = try Journal(path: fresh, fingerprint: fingerprint)
        for ordinal in ring.first..<ring.end {
            guard let place = ring[ordinal], let offset = place.offset else { continue }
            let bytes: [UInt8]
            if let known = kept(ordinal) { bytes = known } else { bytes = try line(at: offset).bytes }
            let line = FinishedLine(ordinal: ordinal, bytes: bytes, isFailed: place.isFailed)
            for moved in try next.append([line]) {
                ring.set(ordinal, .init(offset: moved, isFailed: place.isFailed))
            }
        }
        try next.file.sync()
        guard rename(fresh, path) == 0 else {
            throw RunError(.localFile, "cannot rename \(fresh) to \(path): \(OpenFile.reason(errno))")
        }
        return Journal(path: path, fingerprint: fingerprint, file: next.file, length: next.length)
    }

    /// Takes the file away.
    func remove() {
        unlink(path)
        // What a run left that was killed while it wrote its journal anew.
        unlink(path + Self.freshSuffix)
    }

    private static func append(_ line: FinishedLine, to out: inout [UInt8]) {
        var payload: [UInt8] = []
        payload.reserveCapacity(8 + line.bytes.count)
        append(UInt64(line.ordinal) << 1 | (line.isFailed ? 1 : 0), to: &payload)
        payload += line.bytes
        withUnsafeBytes(of: UInt32(line.bytes.count).littleEndian) { out += $0 }
        append(payload.withUnsafeBytes { SipHash.hash($0, key: key) }, to: &out)
        out += payload
    }

    private static func append(_ number: UInt64, to out: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { out += $0 }
    }

    /// The frame at `offset`; nil when there is no whole one.
    private static func frame(in file: OpenFile, at offset: Int64, end: Int64) throws(RunError) -> FinishedLine? {
        guard end - offset >= Int64(frameHead) else { return nil }
        let head = try file.bytes(at: offset, length: frameHead - 8)
        let (count, sum) = head.withUnsafeBytes { bytes in
            (
                Int(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))),
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
            )
        }
        guard count <= lineBytesMax, end - offset >= Int64(frameHead + count) else { return nil }
        let payload = try file.bytes(at: offset + Int64(frameHead - 8), length: 8 + count)
        guard payload.withUnsafeBytes({ SipHash.hash($0, key: key) }) == sum else { return nil }
        let tag = payload.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        return FinishedLine(
            ordinal: Int(tag >> 1 & UInt64(Int.max)), bytes: Array(payload[8...]), isFailed: tag & 1 == 1)
    }

    private static func stranger(_ path: String) -> RunError {
        RunError(
            .refused,
            "\(path) belongs to a run with another input, another --format, or with and without "
                + "--split-errors: give that run's input and options, or start anew with --force")
    }
}
