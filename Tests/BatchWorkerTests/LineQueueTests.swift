// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import Testing

@testable import BatchWorker

struct LineQueueTests {
    private let now = ContinuousClock.now
    private let backends: BackendSet

    init() throws {
        backends = try ShardSamples.backends("m", "n", concurrency: 2)
    }

    private func queue() -> LineQueue { LineQueue(trust: .seconds(7)) }

    private func add(_ claim: ClaimedShard, to queue: inout LineQueue) throws -> Int {
        let route = try #require(backends.route(model: claim.model, endpoint: claim.endpoint))
        return queue.add(claim, routes: [route], lines: try PackedLines(claim.pack), claimedAt: now)
    }

    /// Ordinals of everything that may start at `instant`.
    private func drain(_ queue: inout LineQueue, at instant: ContinuousClock.Instant? = nil) -> [Int] {
        var ordinals: [Int] = []
        while let started = queue.take(at: instant ?? now) { ordinals.append(started.line.ordinal) }
        return ordinals
    }

    @Test func `lines start in order, once each, and never those that are done`() throws {
        var queue = queue()
        _ = try add(ShardSamples.claim(lines: 6, done: [0, 3]), to: &queue)
        #expect(queue.startable == 4 && queue.unfinished == 4)
        #expect(drain(&queue) == [1, 2, 4, 5])
        #expect(queue.startable == 0 && queue.inFlight == 4 && queue.unfinished == 4)
    }

    @Test func `shards start in the order of their claims`() throws {
        var queue = queue()
        let first = try add(ShardSamples.claim(0, lines: 2), to: &queue)
        let second = try add(ShardSamples.claim(1, lines: 2), to: &queue)
        var serials: [Int] = []
        while let started = queue.take(at: now) { serials.append(started.serial) }
        #expect(serials == [first, first, second, second])
    }

    @Test func `a shard whose backend is full holds up no other`() throws {
        var queue = queue()
        let slow = try add(ShardSamples.claim(0, lines: 5, model: "m", endpoint: "/v1/x"), to: &queue)
        let quick = try add(ShardSamples.claim(1, lines: 1, model: "n", endpoint: "/v1/x"), to: &queue)
        let started = (0..<4).map { _ in queue.take(at: now) }
        #expect(started.map { $0?.serial } == [slow, slow, quick, nil])
        started[0]?.place.cancel()
        #expect(queue.take(at: now)?.serial == slow)
    }

    @Test func `a result counts once, and not after the shard is gone`() throws {
        var queue = queue()
        let serial = try add(ShardSamples.claim(lines: 2), to: &queue)
        _ = drain(&queue)
        let answers = [0, 0].map { queue.finish(serial: serial, ordinal: $0) }
        #expect(answers == [true, false])
        queue.remove(serial)
        let late = queue.finish(serial: serial, ordinal: 1)
        #expect(!late)
        #expect(queue.unfinished == 0 && queue.heldBytes == 0 && queue.count == 0)
    }

    @Test func `a line that waits for another try occupies nothing until it is due`() throws {
        var queue = queue()
        let serial = try add(ShardSamples.claim(lines: 1), to: &queue)
        _ = queue.take(at: now)
        queue.postpone(serial: serial, StartableLine(ordinal: 0, attempt: 2), until: now + .seconds(3))
        #expect(queue.inFlight == 0 && queue.startable == 0 && queue.unfinished == 1)
        #expect(queue.take(at: now + .seconds(3)) == nil)
        #expect(queue.tick(at: now + .seconds(2)).next == now + .seconds(3))
        #expect(queue.take(at: now + .seconds(2)) == nil)
        _ = queue.tick(at: now + .seconds(3))
        #expect(queue.take(at: now + .seconds(3))?.line == StartableLine(ordinal: 0, attempt: 2))
    }

    @Test func `an aborted line starts again with the same number of tries`() throws {
        var queue = queue()
        let serial = try add(ShardSamples.claim(lines: 1), to: &queue)
        let taken = queue.take(at: now)
        let started = try #require(taken)
        queue.undo(serial: serial, started.line)
        #expect(queue.take(at: now)?.line == StartableLine(ordinal: 0, attempt: 1))
    }

    @Test func `no line starts under a lease that was not confirmed lately`() throws {
        var queue = queue()
        let claim = ShardSamples.claim(lines: 2)
        _ = try add(claim, to: &queue)
        #expect(queue.take(at: now + .milliseconds(6_999)) != nil)
        #expect(queue.take(at: now + .seconds(7)) == nil)
        queue.confirm(claim.lease, at: now + .seconds(1))
        #expect(queue.take(at: now + .seconds(7)) != nil)
    }

    @Test func `an older confirmation never shortens a newer one`() throws {
        var queue = queue()
        let claim = ShardSamples.claim(lines: 1)
        _ = try add(claim, to: &queue)
        queue.confirm(claim.lease, at: now - .seconds(60))
        #expect(queue.take(at: now + .seconds(6)) != nil)
    }

    @Test func `no line starts after the window, and its shard closes`() throws {
        var queue = queue()
        let serial = try add(ShardSamples.claim(lines: 2, secondsLeft: 2), to: &queue)
        #expect(queue.take(at: now + .seconds(1)) != nil)
        #expect(queue.take(at: now + .seconds(2)) == nil)
        #expect(queue.tick(at: now).next == now + .seconds(2))
        _ = queue.tick(at: now + .seconds(2))
        #expect(queue.shard(serial)?.closing?.reason == .windowPassed)
        #expect(queue.idleClosing.isEmpty)
        queue.abandon(serial: serial, at: now + .seconds(2))
        #expect(queue.idleClosing == [serial])
    }

    @Test func `a closing shard starts nothing, forgets what waits, and aborts after its grace`() throws {
        var queue = queue()
        let serial = try add(ShardSamples.claim(lines: 4), to: &queue)
        _ = queue.take(at: now)
        _ = queue.take(at: now)
        queue.postpone(serial: serial, StartableLine(ordinal: 0, attempt: 2), until: now + .seconds(1))
        queue.close(serial, .batchStopped, abortAt: now + .seconds(5))
        #expect(queue.startable == 0)
        #expect(queue.take(at: now) == nil)
        let early = queue.tick(at: now + .seconds(1))
        #expect(early.abort.isEmpty && early.next == now + .seconds(5))
        #expect(queue.tick(at: now + .seconds(5)).abort == [serial])
        queue.undo(serial: serial, StartableLine(ordinal: 1, attempt: 1))
        #expect(queue.take(at: now) == nil)
        #expect(queue.idleClosing == [serial])
    }

    @Test func `a second closing does not prolong the first`() throws {
        var queue = queue()
        let serial = try add(ShardSamples.claim(lines: 2), to: &queue)
        _ = queue.take(at: now)
        queue.close(serial, .batchStopped, abortAt: now + .seconds(1))
        queue.closeAll(.draining, abortAt: now + .seconds(60))
        #expect(queue.tick(at: now + .seconds(1)).abort == [serial])
    }

    @Test func `the counts fit whatever happens in whatever order`() throws {
        var generator = SplitMix(state: 42)
        for round in 0..<200 {
            var queue = queue()
            var calling: [LineQueue.Started] = []
            var instant = now
            for step in 0..<120 {
                switch Int.random(in: 0..<9, using: &generator) {
                case 0:
                    let lines = Int.random(in: 1...5, using: &generator)
                    _ = try add(ShardSamples.claim(Int32(step), lines: lines, secondsLeft: 40), to: &queue)
                case 1...3:
                    if let started = queue.take(at: instant) { calling.append(started) }
                case 4...7 where !calling.isEmpty:
                    let started = calling.remove(at: Int.random(in: 0..<calling.count, using: &generator))
                    switch Int.random(in: 0..<4, using: &generator) {
                    case 0: queue.undo(serial: started.serial, started.line)
                    case 1: queue.postpone(serial: started.serial, started.line, until: instant + .seconds(1))
                    default: _ = queue.finish(serial: started.serial, ordinal: started.line.ordinal)
                    }
                case 8:
                    instant += .milliseconds(500)
                    for lease in queue.leases { queue.confirm(lease, at: instant) }
                    _ = queue.tick(at: instant)
                    let serials = queue.leases.compactMap { queue.serial(of: $0) }
                    if let serial = serials.randomElement(using: &generator), step % 7 == 0 { queue.remove(serial) }
                default: break
                }
                let shards = queue.leases.compactMap { queue.serial(of: $0) }.compactMap { queue.shard($0) }
                let isRight =
                    queue.startable == shards.reduce(0) { $0 + $1.startable }
                    && queue.unfinished == shards.reduce(0) { $0 + $1.unfinished } && queue.inFlight == calling.count
                if !isRight { Issue.record("after step \(step) the counts of round \(round) are wrong") }
            }
        }
    }
}

/// A small generator of repeatable random numbers.
struct SplitMix: RandomNumberGenerator {
    /// Any number; the same one gives the same sequence.
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
