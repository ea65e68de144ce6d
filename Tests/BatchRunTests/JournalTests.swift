// SPDX-License-Identifier: Apache-2.0
import Curl
import Foundation
import Glibc
import ServerTesting
import Testing

@testable import BatchRun

struct JournalTests {
    private let fingerprint = Fingerprint(
        inputBytes: 10, inputHash: [1, 255], format: .shardline, splitsErrors: false)

    private func lines(_ ordinals: Range<Int>) -> [FinishedLine] {
        ordinals.map { FinishedLine(ordinal: $0, bytes: Array("line \($0)\n".utf8), isFailed: $0 % 3 == 0) }
    }

    private func read(_ path: String) throws -> [Int: AheadRing.Place] {
        var found: [Int: AheadRing.Place] = [:]
        _ = try Journal(reading: path, fingerprint: fingerprint) { found[$0] = $1 }
        return found
    }

    @Test func `whatever a journal is cut to, its whole frames are found and written on`() async throws {
        try await withScratch { scratch in
            let path = scratch.path("j")
            var journal = try Journal(path: path, fingerprint: fingerprint)
            let offsets = try journal.append(lines(3..<8))
            let whole = try scratch.read("j")
            for end in stride(from: whole.count, through: 0, by: -1) {
                try Data(whole[..<end]).write(to: URL(fileURLWithPath: path))
                let expected = offsets.indices.filter { index in
                    let next = index + 1 < offsets.count ? Int(offsets[index + 1]) : whole.count
                    return next <= end
                }
                #expect(try read(path).keys.sorted() == expected.map { $0 + 3 })
                var found: [Int] = []
                var again = try Journal(reading: path, fingerprint: fingerprint) { ordinal, _ in found.append(ordinal) }
                _ = try again.append(lines(8..<9))
                #expect(try read(path).keys.sorted() == expected.map { $0 + 3 } + [8])
            }
        }
    }

    @Test func `a damaged frame ends a journal`() async throws {
        try await withScratch { scratch in
            let path = scratch.path("j")
            var journal = try Journal(path: path, fingerprint: fingerprint)
            let offsets = try journal.append(lines(3..<8))
            var bytes = try scratch.read("j")
            bytes[Int(offsets[2]) + Journal.frameHead + 1] ^= 1
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            #expect(try read(path).keys.sorted() == [3, 4])
        }
    }

    @Test func `a journal of another run is refused, and nothing of it lost`() async throws {
        try await withScratch { scratch in
            let path = scratch.path("j")
            var journal = try Journal(path: path, fingerprint: fingerprint)
            _ = try journal.append(lines(3..<8))
            let before = try scratch.read("j")
            var other = fingerprint
            other.inputHash = [1, 254]
            #expect(throws: RunError.self) { _ = try Journal(reading: path, fingerprint: other) { _, _ in } }
            #expect(try scratch.read("j") == before)
        }
    }

    @Test func `written anew it holds what still waits, under new places`() async throws {
        try await withScratch { scratch in
            let path = scratch.path("j")
            var journal = try Journal(path: path, fingerprint: fingerprint)
            var ring = AheadRing(first: 0)
            let all = lines(0..<100)
            for (line, offset) in zip(all, try journal.append(all)) {
                ring.set(line.ordinal, .init(offset: offset, isFailed: line.isFailed))
            }
            for _ in 0..<90 { ring.removeFirst() }
            let before = journal.length
            try journal.compact(&ring) { $0 == 95 ? all[95].bytes : nil }
            #expect(journal.length < before / 5)
            let found = try read(path)
            #expect(found.keys.sorted() == Array(90..<100))
            for ordinal in 90..<100 {
                let place = try #require(ring[ordinal])
                #expect(found[ordinal] == place)
                #expect(try journal.line(at: try #require(place.offset)).bytes == all[ordinal].bytes)
            }
        }
    }

    @Test func `without space to write it anew everything stays as it was`() async throws {
        try await withScratch { scratch in
            let path = scratch.path("j")
            var journal = try Journal(path: path, fingerprint: fingerprint)
            var ring = AheadRing(first: 0)
            let all = lines(0..<10)
            for (line, offset) in zip(all, try journal.append(all)) {
                ring.set(line.ordinal, .init(offset: offset, isFailed: line.isFailed))
            }
            for _ in 0..<5 { ring.removeFirst() }
            symlink("/dev/full", path + Journal.freshSuffix)
            do {
                try journal.compact(&ring) { _ in nil }
                Issue.record("no space was enough")
            } catch let error as RunError {
                #expect(error.isForSpace)
            }
            #expect(access(path + Journal.freshSuffix, F_OK) != 0)
            for ordinal in 5..<10 {
                #expect(try journal.line(at: try #require(ring[ordinal]?.offset)).bytes == all[ordinal].bytes)
            }
        }
    }

    @Test func `a run goes on with its journal when there is no space to write it anew`() async throws {
        try await withScratch { scratch in
            let path = scratch.path("j")
            let output = try OpenFile(scratch.path("out"), flags: O_RDWR | O_CREAT)
            var limits = RunLimits()
            limits.journalBytesMax = 200
            let journal = try Journal(path: path, fingerprint: fingerprint)
            var pages = ResultPages(
                try FinishedLines(replacing: output, nil), journal: journal, limits: limits, callsMax: 1)
            symlink("/dev/full", path + Journal.freshSuffix)
            let all = lines(0..<400)
            for end in stride(from: 20, through: 400, by: 20) {
                try pages.take(Array(all[end - 19..<end]))
                try pages.take([all[end - 20]])
            }
            #expect(try scratch.read("out") == all.flatMap(\.bytes))
        }
    }

    @Test func `lines come back from their wait in the order of time`() {
        let start = ContinuousClock.now
        var generator = SplitMix(state: 3)
        var waiting = WaitingLines()
        let dues = (0..<500).map { _ in Int.random(in: 0..<100, using: &generator) }
        for (number, due) in dues.enumerated() {
            let item = RequestItem(ordinal: number, customID: [], url: "", model: "", body: SharedBytes([]))
            waiting.insert(RunLine(item: item, lane: 0), due: start + .seconds(due))
        }
        #expect(waiting.firstDue == dues.min().map { start + .seconds($0) })
        var found: [Int] = []
        while let line = waiting.popDue(at: start + .seconds(60)) { found.append(dues[line.item.ordinal]) }
        #expect(found == dues.filter { $0 <= 60 }.sorted() && waiting.count == 500 - found.count)
    }

    @Test func `the ring agrees with a dictionary whatever is done to it`() {
        var generator = SplitMix(state: 11)
        var ring = AheadRing(first: 5)
        var model: [Int: AheadRing.Place] = [:]
        var first = 5
        for step in 0..<20_000 {
            if Int.random(in: 0..<3, using: &generator) > 0 || model[first] == nil {
                let reach = step % 1_000 == 0 ? 10_000 : 700
                let ordinal = first + Int.random(in: 0..<reach, using: &generator)
                let place = AheadRing.Place(
                    offset: Bool.random(using: &generator) ? Int64(step) : nil, isFailed: step % 2 == 0)
                ring.set(ordinal, place)
                model[ordinal] = place
            }
            while model[first] != nil, Bool.random(using: &generator) {
                #expect(ring[first] == model.removeValue(forKey: first))
                ring.removeFirst()
                first += 1
            }
            let probe = first + Int.random(in: -3..<800, using: &generator)
            #expect(ring[probe] == model[probe])
            #expect(ring.count == model.count && ring.first == first)
        }
    }
}

/// Numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
    /// Where it is.
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
