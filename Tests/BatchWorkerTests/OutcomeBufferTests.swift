// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Testing

@testable import BatchWorker

struct OutcomeBufferTests {
    private let now = ContinuousClock.now
    private let lease = ShardSamples.claim().lease

    private func buffer(lineCount: Int = 4, done: [Int] = [], lines: Int = 100, bytes: Int = 1_000_000) -> OutcomeBuffer
    {
        var buffer = OutcomeBuffer(limits: .init(age: .seconds(1), lines: lines, bytes: bytes))
        var set = LineSet(lineCount: lineCount)
        for line in done { set.insert(line) }
        buffer.open(serial: 1, lease: lease, done: set, moved: LineSet(lineCount: lineCount))
        return buffer
    }

    @Test func `results wait for their age, then become one checkpoint`() throws {
        var buffer = buffer()
        _ = buffer.append(ShardSamples.outcome(0), serial: 1, at: now)
        _ = buffer.append(ShardSamples.outcome(2, succeeds: false), serial: 1, at: now + .milliseconds(500))
        #expect(buffer.nextDue(isLive: false) == now + .seconds(1))
        let early = buffer.take(at: now + .milliseconds(999))
        #expect(early.isEmpty)
        let taken = buffer.take(at: now + .seconds(1))
        let checkpoint = try #require(taken.first?.checkpoint)
        #expect(taken.count == 1 && checkpoint.sequence == 0 && !checkpoint.isLast && checkpoint.lineCount == 2)
        #expect(checkpoint.completed == 1 && checkpoint.failed == 1 && checkpoint.usage.totalTokens == 2)
        #expect(checkpoint.done.count == 2 && checkpoint.done.contains(0) && checkpoint.done.contains(2))
        #expect(try SegmentPack(checkpoint.segment).outcomes.map(\.ordinal) == [0, 2])
        #expect(buffer.nextDue(isLive: false) == nil)
    }

    @Test func `a shard with every line is due at once and its checkpoint is the last`() throws {
        var buffer = buffer(lineCount: 3, done: [1])
        let first = buffer.append(ShardSamples.outcome(0), serial: 1, at: now)
        let second = buffer.append(ShardSamples.outcome(2), serial: 1, at: now)
        #expect(!first && second)
        let taken = buffer.take(at: now)
        #expect(taken.first?.checkpoint.isLast == true)
        let isOver = buffer.written(try #require(taken.first))
        #expect(isOver && buffer.bytes == 0 && !buffer.hasResults(serial: 1))
    }

    @Test func `lines and bytes make a shard due before its age`() {
        var byLines = buffer(lines: 2)
        let lines = (0..<2).map { byLines.append(ShardSamples.outcome($0), serial: 1, at: now) }
        #expect(lines == [false, true])
        var byBytes = buffer(bytes: 500)
        let bytes = [byBytes.append(ShardSamples.outcome(0, bytes: 1_000), serial: 1, at: now)]
        #expect(bytes == [true])
        #expect(byBytes.take(at: now).count == 1)
    }

    @Test func `a checkpoint whose fate is unknown is written again, unchanged, while new results wait`() throws {
        var buffer = buffer()
        _ = buffer.append(ShardSamples.outcome(0), serial: 1, at: now)
        let first = buffer.take(at: now, all: true)
        _ = buffer.append(ShardSamples.outcome(1), serial: 1, at: now)
        let again = buffer.take(at: now + .seconds(9), all: true)
        #expect(first.map(\.checkpoint.segment) == again.map(\.checkpoint.segment))
        #expect(again.map(\.checkpoint.sequence) == [0] && again.map(\.checkpoint.done.count) == [1])
        #expect(buffer.unrecorded(serial: 1) == 2 && buffer.isTaken(serial: 1))
        let isOver = buffer.written(try #require(again.first))
        #expect(!isOver)
        let next = buffer.take(at: now, all: true)
        #expect(next.map(\.checkpoint.sequence) == [1] && next.map(\.checkpoint.done.count) == [2])
    }

    @Test func `closing shards wait for nothing`() {
        var buffer = buffer()
        _ = buffer.append(ShardSamples.outcome(0), serial: 1, at: now)
        #expect(buffer.take(at: now).isEmpty)
        #expect(buffer.take(at: now, eager: [1]).count == 1)
    }

    @Test func `bytes count everything that is not recorded, and nothing else`() throws {
        var buffer = buffer()
        #expect(buffer.bytes == 0)
        _ = buffer.append(ShardSamples.outcome(0, bytes: 1_000), serial: 1, at: now)
        let one = buffer.bytes
        #expect(one >= 1_000)
        let taken = buffer.take(at: now, all: true)
        #expect(buffer.bytes == one)
        _ = buffer.append(ShardSamples.outcome(1, bytes: 1_000), serial: 1, at: now)
        #expect(buffer.bytes > one)
        _ = buffer.written(try #require(taken.first))
        #expect(buffer.bytes >= 1_000 && buffer.bytes <= one)
        buffer.close(serial: 1)
        #expect(buffer.bytes == 0)
    }

    @Test func `results of a shard that is gone are dropped`() {
        var buffer = buffer()
        buffer.close(serial: 1)
        let isUrgent = buffer.append(ShardSamples.outcome(0), serial: 1, at: now)
        #expect(!isUrgent && buffer.bytes == 0)
        #expect(buffer.take(at: now, all: true).isEmpty)
    }

    @Test func `lines that moved to another part are not waited for, once the database knows it`() throws {
        var buffer = buffer()
        _ = buffer.append(ShardSamples.outcome(0), serial: 1, at: now)
        #expect(buffer.take(at: now).isEmpty)
        var moved = LineSet(lineCount: 4)
        for line in [2, 3] { moved.insert(line) }
        buffer.move(serial: 1, to: moved)
        let isDue = buffer.append(ShardSamples.outcome(1), serial: 1, at: now)
        #expect(isDue)
        let taken = buffer.take(at: now)
        #expect(taken.first?.checkpoint.isLast == true && taken.first?.checkpoint.done.count == 2)
    }

    @Test func `a shard that is being divided writes no checkpoint before that is settled`() {
        var buffer = buffer()
        _ = buffer.append(ShardSamples.outcome(0), serial: 1, at: now)
        #expect(buffer.take(at: now, all: true, except: [1]).isEmpty)
        #expect(buffer.take(at: now, all: true).count == 1)
    }
}
