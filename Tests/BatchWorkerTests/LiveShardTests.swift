// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchCore
import BatchInference
import BatchStore
import BatchTesting
import HTTPTesting
import Synchronization
import Testing

@testable import BatchWorker

/// Shards that somebody waits for, among others.
@Suite(.timeLimit(.minutes(3)))
struct LiveShardTests {
    @Test func `a request overtakes the lines that a worker has on hand`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 40, lines: 100)
        let rig = LiveRig(test)
        let order = Mutex<[String]>([])
        let (gate, many) = (TestSignal("the calls may end"), TestSignal("all calls started"))
        let worker = try WorkerRig(
            store: test.store, concurrency: 4,
            adjust: {
                $0.pollEvery = .seconds(3_600)
                $0.drainDeadline = .zero
            }
        ) { request, connection in
            let count = order.withLock { order in
                order.append(request.text)
                return order.count
            }
            if count == 4 { many.fire() }
            try gate.waitOnThread()
            try connection.respond(text: request.text)
        }
        try await many.wait()
        let asking = Task { try await rig.ask("urgent") }
        try await until("the worker has it") {
            try await test.number(
                "select count(*) from shards s join batches b on b.id = s.batch_id where lane = 0 and state = 'claimed'"
            ) == 1
        }
        gate.fire()
        #expect(try await asking.value.status == 200)
        let place = try #require(order.withLock { $0.firstIndex { $0.contains("urgent") } })
        #expect(place < 8, "first of those that started once there was room")
        try await rig.shutDown()
        try await worker.shutDown()
    }

    @Test func `live results are due at once, and only the room for them takes them`() {
        let now = ContinuousClock.now
        var buffer = OutcomeBuffer(limits: .init(age: .seconds(60), lines: 100, bytes: 1_000_000))
        for serial in 1...2 {
            buffer.open(
                serial: serial, lease: ShardSamples.claim(Int32(serial)).lease, done: LineSet(lineCount: 3),
                moved: LineSet(lineCount: 3), isLive: serial == 1)
        }
        let isDue = [1, 2].map { buffer.append(ShardSamples.outcome(0), serial: $0, at: now) }
        #expect(isDue == [true, false])
        #expect(buffer.nextDue(isLive: true) == now && buffer.nextDue(isLive: false) == now + .seconds(60))
        let others = buffer.take(at: now, all: true, isLive: false)
        #expect(others.map(\.serial) == [2])
        let taken = buffer.take(at: now, isLive: true)
        #expect(taken.map(\.serial) == [1] && taken.allSatisfy(\.checkpoint.isLive))
    }

    @Test func `live lines on hand are counted through everything that happens to them`() throws {
        let backends = try ShardSamples.backends("m", concurrency: 2)
        let route = try #require(backends.route(model: "m", endpoint: "/v1/embeddings"))
        var queue = LineQueue(trust: .seconds(5))
        let now = ContinuousClock.now
        for (number, lane) in [Lane.normal, .live].enumerated() {
            let claim = ShardSamples.claim(
                Int32(number), batch: "batch_\(number)", model: "m", endpoint: "/v1/embeddings", lane: lane)
            _ = queue.add(claim, routes: [route], lines: try PackedLines(claim.pack), claimedAt: now)
        }
        #expect(queue.startable == 6 && queue.liveStartable == 3)
        let taken = queue.take(at: now)
        let started = try #require(taken)
        #expect(queue.shard(started.serial)?.isLive == true && queue.liveStartable == 2)
        queue.undo(serial: started.serial, started.line)
        started.place.cancel()
        #expect(queue.liveStartable == 3)
        queue.close(started.serial, .yielded, abortAt: now)
        #expect(queue.liveStartable == 0 && queue.startable == 3)
        queue.remove(started.serial)
        #expect(queue.liveStartable == 0 && queue.startable == 3)
    }

    @Test func `live shards are asked for however many other lines are on hand`() {
        var plan = ClaimPlan(linesMax: 1_000, bytesMax: 1 << 20, shardsMax: 16)
        var hand = ClaimPlan.Hand(startable: 1_000, unfinished: 1_000, inFlight: 8, bytes: 0, finished: 0)
        #expect(plan.shards(for: hand, at: .now) == 0)
        #expect(plan.liveShards(for: hand) == 64)
        plan.learnLive(shards: 1, lines: 63)
        #expect(plan.liveShards(for: hand) == 4)
        hand.liveStartable = 128
        #expect(plan.liveShards(for: hand) == 0)
    }
}
