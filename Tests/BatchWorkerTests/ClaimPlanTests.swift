// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import BatchWorker

struct ClaimPlanTests {
    private let now = ContinuousClock.now

    private func plan() -> ClaimPlan { ClaimPlan(linesMax: 1_000, bytesMax: 1_000, shardsMax: 8) }

    private func hand(
        startable: Int = 0, unfinished: Int = 0, inFlight: Int = 0, bytes: Int = 0, finished: Int = 0
    ) -> ClaimPlan.Hand {
        .init(
            startable: startable, unfinished: max(unfinished, startable), inFlight: inFlight, bytes: bytes,
            finished: finished)
    }

    @Test func `an empty hand claims, a full one does not`() {
        var plan = plan()
        let shards = [64, 127, 128, 500].map { plan.shards(for: hand(startable: $0), at: now) }
        #expect(shards == [1, 1, 0, 0])
        let busy = [200, 300].map { plan.shards(for: hand(startable: $0, inFlight: 300), at: now) }
        #expect(busy == [2, 0])
    }

    @Test func `limits of lines and bytes stop the claims`() {
        var plan = plan()
        let shards = [
            plan.shards(for: hand(unfinished: 1_000), at: now), plan.shards(for: hand(bytes: 1_000), at: now),
            plan.shards(for: hand(unfinished: 999, bytes: 999), at: now),
        ]
        #expect(shards == [0, 0, 1])
    }

    @Test func `small shards are claimed several at once, up to the limit`() {
        var plan = plan()
        for _ in 0..<20 { plan.learn(shards: 8, lines: 8) }
        let shards = [plan.shards(for: hand(), at: now), plan.shards(for: hand(startable: 123), at: now)]
        #expect(shards == [8, 5])
    }

    @Test func `fast backends keep more on hand`() {
        var plan = plan()
        let slow = plan.lowWater
        for second in 0..<20 {
            _ = plan.shards(for: hand(finished: second * 3_000), at: now + .seconds(second))
        }
        #expect(slow == 128)
        #expect((500...600).contains(plan.lowWater))
    }
}

struct RetryHeapTests {
    private let now = ContinuousClock.now

    @Test func `entries come out in the order of their time`() {
        var generator = SplitMix(state: 7)
        var heap = RetryHeap()
        for _ in 0..<500 {
            let due = now + .milliseconds(Int.random(in: 0..<1_000, using: &generator))
            heap.insert(.init(due: due, serial: 1, line: StartableLine(ordinal: 0, attempt: 2)))
        }
        let early = heap.popDue(at: now - .seconds(1))
        #expect(early == nil)
        var last = now
        while let entry = heap.popDue(at: now + .seconds(2)) {
            #expect(entry.due >= last)
            last = entry.due
        }
        #expect(heap.count == 0 && heap.firstDue == nil)
    }

    @Test func `removing a shard keeps the order of the rest`() {
        var heap = RetryHeap()
        for number in (0..<100).reversed() {
            let line = StartableLine(ordinal: number, attempt: 1)
            heap.insert(.init(due: now + .seconds(number), serial: number % 3, line: line))
        }
        heap.removeAll(serial: 1)
        var ordinals: [Int] = []
        while let entry = heap.popDue(at: now + .seconds(1_000)) { ordinals.append(entry.line.ordinal) }
        #expect(ordinals == (0..<100).filter { $0 % 3 != 1 })
    }
}

struct WorkerConfigurationTests {
    @Test func `the defaults are valid`() {
        #expect(WorkerConfiguration().validate().isEmpty)
    }

    @Test func `every broken setting is named`() {
        var broken = WorkerConfiguration()
        broken.concurrency = 0
        broken.renewEvery = .seconds(5)
        broken.bufferedBytesMax = 1
        broken.pollEvery = .zero
        let problems = broken.validate()
        #expect(problems.count == 4)
        #expect(problems.allSatisfy { $0.hasPrefix("worker: ") })
    }
}
