// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Glibc

/// What an earlier run finished: the beginning of the results, checked against the input, and what its journal holds.
struct FinishedLines {
    /// The output, cut behind its last line that counts.
    let output: OpenFile
    /// The file of failed lines, likewise; nil without one.
    let errors: OpenFile?
    /// The first line without a result in its file, and the journal's results behind it.
    private(set) var ring = AheadRing(first: 0)
    /// Lines with a result.
    private(set) var count = 0
    /// Of these, lines that failed.
    private(set) var failed = 0

    /// Nothing is finished; both files are emptied.
    init(replacing output: OpenFile, _ errors: OpenFile?) throws(RunError) {
        self.output = output
        self.errors = errors
        try output.cut(to: 0)
        try errors?.cut(to: 0)
    }

    /// Compares the files with the input, line by line; `progress` gets the lines found. Blocks.
    init(
        in output: OpenFile, _ errors: OpenFile?, of input: InputFile, format: ResultFormat, lineBytesMax: Int,
        progress: @escaping (Int) -> Void
    ) throws {
        self.output = output
        self.errors = errors
        var walk = try ResultWalk(output, errors, format: format)
        var splitter = LineSplitter(lineBytesMax: lineBytesMax)
        let take = { (line: FileLine) throws in
            guard !line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) else { return }
            guard let id = CustomIDToken.find(in: line.bytes) else { throw ResultWalk.Ended() }
            try walk.take(UnsafeRawBufferPointer(rebasing: line.bytes[id]))
            if walk.count % 1_000 == 0 { progress(walk.count) }
        }
        do {
            try input.scan { try splitter.feed($0, take) }
            try splitter.finish(take)
        } catch is ResultWalk.Ended {
            // The first line without a result: what is behind it is called.
        }
        ring = AheadRing(first: walk.count)
        count = walk.count
        failed = walk.failed
        ends = walk.ends
        leftovers = try walk.leftovers()
    }

    /// Where the lines that count end in both files.
    private var ends: (output: Int64, errors: Int64) = (0, 0)
    /// Tokens of lines behind the first line without a result.
    private var leftovers: [ResultCursor.Line] = []

    /// Adds what the journal holds, and cuts the files behind their last line that counts.
    ///
    /// - Throws: when the files have lines that neither the input nor the journal explains.
    mutating func add(_ places: [(ordinal: Int, place: AheadRing.Place)], journal: Journal) throws(RunError) {
        for (ordinal, place) in places where ordinal >= ring.first {
            if ring[ordinal] == nil {
                count += 1
                if place.isFailed { failed += 1 }
            }
            ring.set(ordinal, place)
        }
        if !leftovers.isEmpty {
            var unknown = Set(leftovers.map(\.customID))
            for (ordinal, place) in places where ordinal >= ring.first {
                guard let offset = place.offset else { continue }
                let bytes = try journal.line(at: offset).bytes
                let token = bytes.withUnsafeBytes { line in
                    CustomIDToken.findInResult(line).map { Array(line[$0]) }
                }
                if let token { unknown.remove(token) }
            }
            if let line = leftovers.first(where: { unknown.contains($0.customID) }) { throw stranger(line) }
            leftovers = []
        }
        try output.cut(to: ends.output)
        try errors?.cut(to: ends.errors)
    }

    private func stranger(_ line: ResultCursor.Line) -> RunError {
        guard line.isOfFormat || line.customID.isEmpty else {
            return RunError(
                .refused, "\(output.path) was written with another --format: give that one, or start anew with --force")
        }
        return RunError(
            .refused,
            "line \(line.number) of \(output.path) is no result of request \(ring.first + 1) of the input: it belongs "
                + "to another input or was written with --split-errors; give the same ones, or start anew with --force")
    }
}

/// Walks over the results while the input is read.
struct ResultWalk {
    /// There is no result for the line.
    struct Ended: Error {}

    private let format: ResultFormat
    private var output: ResultCursor
    private var errors: ResultCursor?
    private var good: ResultCursor.Line?
    private var bad: ResultCursor.Line?
    /// Lines with a result so far.
    private(set) var count = 0
    /// Of these, lines that failed.
    private(set) var failed = 0
    /// Where these end in both files.
    private(set) var ends: (output: Int64, errors: Int64) = (0, 0)
    /// Most lines behind the first one without a result that are looked at.
    private static let leftoversMax = 100_000

    /// A walk from the start of both files.
    init(_ output: OpenFile, _ errors: OpenFile?, format: ResultFormat) throws(RunError) {
        self.format = format
        self.output = ResultCursor(output, format: format)
        self.errors = errors.map { ResultCursor($0, format: format) }
        good = try self.output.next()
        bad = try self.errors?.next()
    }

    /// The next line of the input has this `custom_id`.
    ///
    /// - Throws: ``Ended`` when it has no result.
    mutating func take(_ customID: UnsafeRawBufferPointer) throws {
        if let line = good, line.isOfFormat, line.customID.elementsEqual(customID) {
            ends.output = line.end
            if line.isFailed { failed += 1 }
            good = try output.next()
        } else if let line = bad, line.isOfFormat, line.customID.elementsEqual(customID) {
            ends.errors = line.end
            failed += 1
            bad = try errors?.next()
        } else {
            throw Ended()
        }
        count += 1
    }

    /// The lines that are left.
    mutating func leftovers() throws(RunError) -> [ResultCursor.Line] {
        var lines: [ResultCursor.Line] = []
        while let line = good, lines.count < Self.leftoversMax {
            lines.append(line)
            good = try output.next()
        }
        while let line = bad, lines.count < Self.leftoversMax {
            lines.append(line)
            bad = try errors?.next()
        }
        return lines
    }
}
