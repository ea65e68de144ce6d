// SPDX-License-Identifier: Apache-2.0

/// The files of a run: results in the order of the input, and a journal for those that came before their turn. Blocks.
struct ResultPages {
    /// Where the results lie that wait for an earlier line's.
    private(set) var ring: AheadRing
    private let output: OpenFile
    private let errors: OpenFile?
    private var journal: Journal
    private let keptMax: Int
    private let keptBytesMax: Int
    private let journalBytesMax: Int64
    /// Bytes of the journal above which it is written anew: more than the limit after a try that found no space.
    private var compactsAbove: Int64
    /// When the journal was last brought to the disk for the sake of failed lines.
    private var journalSynced: ContinuousClock.Instant?
    /// Results in memory that are not in their file.
    private var kept: [Int: [UInt8]] = [:]
    private var keptBytes = 0
    /// Bytes in the journal of results that are not in their file.
    private var liveBytes: Int64 = 0

    /// Shortest time between two such moments.
    private static let syncEvery = Duration.seconds(1)
    /// Bytes written at once.
    private static let pieceBytes = 1 << 20

    /// The files as `finished` found them, open for appending.
    init(_ finished: FinishedLines, journal: Journal, limits: RunLimits, callsMax: Int) {
        ring = finished.ring
        output = finished.output
        errors = finished.errors
        self.journal = journal
        keptMax = limits.keptPerCall * callsMax
        keptBytesMax = limits.keptBytesMax
        journalBytesMax = limits.journalBytesMax
        compactsAbove = limits.journalBytesMax
        liveBytes = journal.length
    }

    /// Takes in results: those whose turn it is go to their files, with all that waited for them, others to the
    /// journal.
    mutating func take(_ lines: [FinishedLine]) throws(RunError) {
        for line in lines {
            ring.set(line.ordinal, .init(offset: nil, isFailed: line.isFailed))
            kept[line.ordinal] = line.bytes
            keptBytes += line.bytes.count
        }
        var end = ring.first
        var splits = false
        while let place = ring[end] {
            splits = splits || place.isFailed
            end += 1
        }
        // Two files cannot be written at one instant: what of both is there must be found again elsewhere.
        let journalsAll = splits && errors != nil
        try keep(lines.filter { $0.ordinal >= end || journalsAll }, from: end)
        try write(upTo: end)
        if journal.length > compactsAbove, liveBytes * 2 < journal.length { try compact() }
    }

    /// Brings everything to the disk; nothing waits any more, so the journal goes.
    mutating func close() throws(RunError) {
        try output.sync()
        try errors?.sync()
        journal.remove()
    }

    /// Puts results into the journal; those from `end` on wait there for their turn.
    private mutating func keep(_ lines: [FinishedLine], from end: Int) throws(RunError) {
        guard !lines.isEmpty else { return }
        let offsets = try journal.append(lines)
        for (line, offset) in zip(lines, offsets) {
            ring.set(line.ordinal, .init(offset: offset, isFailed: line.isFailed))
            guard line.ordinal >= end else { continue }
            liveBytes += Int64(Journal.frameHead + line.bytes.count)
            if kept.count > keptMax || keptBytes > keptBytesMax { forget(line.ordinal) }
        }
    }

    /// Writes the results before `end` to their files.
    private mutating func write(upTo end: Int) throws(RunError) {
        var (good, bad): ([UInt8], [UInt8]) = ([], [])
        while ring.first < end, let place = ring[ring.first] {
            let bytes: [UInt8]
            if let known = kept[ring.first] {
                bytes = known
            } else if let offset = place.offset {
                bytes = try journal.line(at: offset).bytes
            } else {
                break
            }
            if let offset = place.offset, offset >= 0 {
                liveBytes = max(liveBytes - Int64(Journal.frameHead + bytes.count), 0)
            }
            if place.isFailed, errors != nil { bad += bytes } else { good += bytes }
            forget(ring.first)
            ring.removeFirst()
            if good.count + bad.count >= Self.pieceBytes {
                try flush(&good, &bad)
            }
        }
        try flush(&good, &bad)
    }

    private mutating func flush(_ good: inout [UInt8], _ bad: inout [UInt8]) throws(RunError) {
        if !bad.isEmpty {
            try syncJournal()
            try errors?.write(bad)
        }
        if !good.isEmpty { try output.write(good) }
        good.removeAll(keepingCapacity: true)
        bad.removeAll(keepingCapacity: true)
    }

    /// Should the power fail, one of two files may have come to the disk further than the other: what is missing
    /// between them must then be in the journal.
    private mutating func syncJournal() throws(RunError) {
        let now = ContinuousClock.now
        if let journalSynced, now - journalSynced < Self.syncEvery { return }
        try journal.sync()
        journalSynced = now
    }

    /// Before the journal forgets results, they are on the disk in their files.
    private mutating func compact() throws(RunError) {
        try output.sync()
        try errors?.sync()
        let kept = kept
        do throws(RunError) {
            try journal.compact(&ring) { kept[$0] }
            compactsAbove = journalBytesMax
            liveBytes = journal.length
        } catch {
            // The journal that is there is as good as before, and perhaps there is space some time later.
            guard error.isForSpace else { throw error }
            compactsAbove = journal.length * 2
        }
    }

    private mutating func forget(_ ordinal: Int) {
        if let bytes = kept.removeValue(forKey: ordinal) { keptBytes -= bytes.count }
    }
}
