// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import Testing

@testable import BatchWorker

/// Which of the batches on hand gets the next place for a call.
struct BatchTurnsTests {
    private let now = ContinuousClock.now
    private let backends: BackendSet

    init() throws {
        backends = try ShardSamples.backends("m", concurrency: 1_000)
    }

    private func queue(_ claims: ClaimedShard...) throws -> LineQueue {
        var queue = LineQueue(trust: .seconds(7))
        for claim in claims {
            let route = try #require(backends.route(model: claim.model, endpoint: claim.endpoint))
            _ = queue.add(claim, routes: [route], lines: try PackedLines(claim.pack), claimedAt: now)
        }
        return queue
    }

    /// The batches of the next `count` calls.
    private func next(_ count: Int, of queue: inout LineQueue) -> [String] {
        (0..<count).compactMap { _ in
            queue.take(at: now).flatMap { queue.shard($0.serial)?.lease.shard.batch.rawValue }
        }
    }

    private func claim(
        _ batch: String, lines: Int, project: String = "proj_a", lane: Lane = .normal, priority: Int16 = 0,
        isUrgent: Bool = false
    ) -> ClaimedShard {
        ShardSamples.claim(
            0, batch: batch, lines: lines, model: "m", endpoint: "/v1/x", project: project, lane: lane,
            priority: priority, isUrgent: isUrgent)
    }

    @Test func `a few lines of another project start at once beside thousands`() throws {
        var queue = try queue(claim("big", lines: 5_000))
        let first = next(50, of: &queue)
        #expect(Set(first) == ["big"])
        let small = claim("small", lines: 10, project: "proj_b")
        let route = try #require(backends.route(model: "m", endpoint: "/v1/x"))
        _ = queue.add(small, routes: [route], lines: try PackedLines(small.pack), claimedAt: now)
        let second = next(11, of: &queue)
        #expect(second == Array(repeating: "small", count: 10) + ["big"])
    }

    @Test func `projects share alike, however many batches they have`() throws {
        var queue = try queue(
            claim("a1", lines: 100), claim("a2", lines: 100), claim("a3", lines: 100),
            claim("b1", lines: 100, project: "proj_b"))
        let turns = next(60, of: &queue)
        #expect(turns.filter { $0 == "b1" }.count == 30)
        #expect(["a1", "a2", "a3"].map { batch in turns.filter { $0 == batch }.count } == [10, 10, 10])
    }

    @Test func `lanes come before priority, priority before urgency, urgency before fairness`() throws {
        var queue = try queue(
            claim("background", lines: 1, lane: .background, priority: 100, isUrgent: true),
            claim("plain", lines: 1, project: "proj_b"), claim("urgent", lines: 1, isUrgent: true),
            claim("high", lines: 1, priority: 1), claim("live", lines: 1, lane: .live, priority: -100))
        let turns = next(6, of: &queue)
        #expect(turns == ["live", "high", "urgent", "plain", "background"])
    }

    @Test func `live batches take turns also where there is one place`() throws {
        var queue = try queue(
            claim("flood", lines: 50, lane: .live), claim("few", lines: 3, lane: .live))
        var turns: [String] = []
        for _ in 0..<6 {
            let taken = queue.take(at: now)
            let started = try #require(taken)
            turns.append(queue.shard(started.serial)?.lease.shard.batch.rawValue ?? "")
            started.place.cancel()
            _ = queue.finish(serial: started.serial, ordinal: started.line.ordinal)
        }
        #expect(turns == ["flood", "few", "flood", "few", "flood", "few"])
    }

    @Test func `what has ended counts no more`() throws {
        var queue = try queue(claim("a", lines: 10), claim("b", lines: 10, project: "proj_b"))
        let (first, second) = (queue.take(at: now), queue.take(at: now))
        let one = try #require(first)
        #expect(second != nil)
        _ = queue.finish(serial: one.serial, ordinal: one.line.ordinal)
        let third = next(1, of: &queue)
        #expect(third == ["a"])
    }

    @Test func `an idle worker gets a shard that was not begun, else half of the fresh lines`() throws {
        var queue = try queue(
            ShardSamples.claim(0, batch: "a", lines: 100, model: "m", endpoint: "/v1/x"),
            ShardSamples.claim(1, batch: "a", lines: 100, model: "m", endpoint: "/v1/x"))
        _ = next(20, of: &queue)
        let whole = queue.share(keeping: 0, except: [], at: now)
        #expect(whole == nil && queue.startable == 80 && queue.idleClosing == [2])
        let offered = queue.share(keeping: 0, except: [], at: now)
        let division = try #require(offered)
        #expect(division.serial == 1 && division.before.count == 0 && division.after.count == 40)
        #expect((60..<100).allSatisfy(division.after.contains))
        #expect(queue.startable == 40 && queue.shard(1)?.unfinished == 60)
        // Undecided: it is not divided again.
        let again = queue.share(keeping: 0, except: [1], at: now)
        #expect(again == nil && queue.startable == 40)
        var ordinals: [Int] = []
        while let started = queue.take(at: now) { ordinals.append(started.line.ordinal) }
        #expect(ordinals == Array(20..<60))
    }

    @Test func `what starts soon anyway, and the last fresh line, stay here`() throws {
        var queue = try queue(ShardSamples.claim(0, lines: 10, model: "m", endpoint: "/v1/x"))
        _ = next(2, of: &queue)
        let offers = [8, 6].map { queue.share(keeping: $0, except: [], at: now)?.after.count }
        #expect(offers == [nil, 2])
        _ = next(5, of: &queue)
        #expect(queue.startable == 1)
        let last = queue.share(keeping: 0, except: [], at: now)
        #expect(last == nil)
    }
}
