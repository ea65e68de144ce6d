// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import Testing

@testable import BatchCoordinator

/// Which requests are held, through everything that may come in any order.
@Suite struct LiveHoldsTests {
    private let now = ContinuousClock.now
    private let batch = BatchID(rawValue: "batch_a")

    private func hold(_ text: String, wait: Duration = .seconds(60)) -> LiveHolds.Hold {
        let project = ProjectID(rawValue: "proj_a")
        return LiveHolds.Hold(
            party: .init(project: project, key: 1, endpoint: "/v1/e", model: "m"),
            fingerprint: LiveFingerprint(project: project, sha256: Array(text.utf8)), deadline: now + wait, wait: wait,
            body: Array(text.utf8))
    }

    private func line(_ ordinal: Int32) -> LiveLineKey {
        LiveLineKey(shard: .init(batch: batch, number: 0), ordinal: ordinal)
    }

    private let answer = Result<LiveAnswer, any Error>.success(LiveAnswer(status: 200, body: [1], requestID: nil))

    /// Holds with `count` requests that a transaction takes in, each placed.
    private func adding(_ count: Int) -> (holds: LiveHolds, numbers: [Int]) {
        var holds = LiveHolds()
        let numbers = (0..<count).map { holds.admit(hold("body \($0)")) }
        _ = holds.take(max: .max, bytesMax: .max)
        for (ordinal, number) in numbers.enumerated() { holds.place(number, at: line(Int32(ordinal))) }
        return (holds, numbers)
    }

    @Test func `requests are taken in in their order, within bounds, and their bodies are kept until then`() {
        var holds = LiveHolds()
        for number in 0..<5 { _ = holds.admit(hold("body \(number)")) }
        #expect(holds.bytes == 30 && holds.count == 5)
        let first = holds.take(max: 2, bytesMax: .max)
        #expect(first.map(\.hold.fingerprint.sha256) == [Array("body 0".utf8), Array("body 1".utf8)])
        let second = holds.take(max: .max, bytesMax: 7)
        #expect(second.count == 2 && holds.hasWaiting)
        holds.commit(first.map(\.number))
        #expect(holds.bytes == 18 && holds.count == 5)
    }

    @Test func `an answer before the commit is known is the answer`() async throws {
        var (holds, numbers) = adding(1)
        // Nobody waits yet.
        let early = holds.answer(line(0), answer)
        #expect(early == nil)
        holds.commit(numbers)
        #expect(holds.count == 1)
        let told = try await withCheckedThrowingContinuation { holds.wait(for: numbers[0], $0)?.give() }
        #expect(told.status == 200 && holds.count == 0 && holds.shards.isEmpty)
        // At first it may not be written yet.
        let forgotten = (0..<3).map { _ in holds.takeAnswered() }
        #expect(forgotten == [[], [line(0)], []])
    }

    @Test func `a client that goes while it is taken in leaves its line behind`() async throws {
        var (holds, numbers) = adding(2)
        await #expect(throws: CancellationError.self) {
            try await withCheckedThrowingContinuation { waiter in
                _ = holds.wait(for: numbers[0], waiter)
                holds.leave(numbers[0])?.give()
            }
        }
        let (early, told) = (holds.takeOrphaned(), holds.answer(line(0), answer))
        #expect(early.isEmpty && told == nil)
        holds.commit(numbers)
        let orphaned = holds.takeOrphaned()
        #expect(orphaned == [line(0)] && holds.count == 1)
        #expect(holds.ordinals(of: line(0).shard) == [1])
    }

    @Test func `after a failed transaction requests wait again, those whose clients went do not`() async throws {
        var (holds, numbers) = adding(3)
        await #expect(throws: CancellationError.self) {
            try await withCheckedThrowingContinuation { waiter in
                _ = holds.wait(for: numbers[1], waiter)
                holds.leave(numbers[1])?.give()
            }
        }
        let late = holds.admit(hold("late"))
        holds.giveBack(numbers)
        #expect(holds.count == 3 && holds.shards.isEmpty && holds.open.isEmpty && holds.placed.isEmpty)
        let again = holds.take(max: .max, bytesMax: .max)
        #expect(again.map(\.number) == [numbers[0], numbers[2], late])
        #expect(holds.bytes == 16)
    }

    @Test func `time ends what is not answered, and lets go of its line`() async throws {
        var (holds, numbers) = adding(1)
        holds.commit(numbers)
        let early = holds.expire(at: now + .seconds(59), retryAfterSeconds: 4)
        #expect(early.isEmpty && holds.open == [batch: 1])
        _ = holds.expire(at: now + .seconds(60), retryAfterSeconds: 4)
        let error = await #expect(throws: BatchError.self) {
            try await withCheckedThrowingContinuation { holds.wait(for: numbers[0], $0)?.give() }
        }
        #expect(error?.status == 503 && error?.retryAfterSeconds == 4)
        let orphaned = holds.takeOrphaned()
        #expect(orphaned == [line(0)] && holds.count == 0 && holds.open.isEmpty)
        holds.putBack(orphaned: orphaned)
        let again = holds.takeOrphaned()
        #expect(again == orphaned)
    }

    @Test func `closed, all are told to come again, and a line is answered once`() async throws {
        var (holds, numbers) = adding(2)
        holds.commit(numbers)
        _ = holds.answer(line(0), answer)
        let twice = holds.answer(line(0), answer)
        #expect(twice == nil)
        _ = holds.close()
        #expect(holds.isClosed)
        let told = try await withCheckedThrowingContinuation { holds.wait(for: numbers[0], $0)?.give() }
        #expect(told.status == 200)
        let error = await #expect(throws: BatchError.self) {
            try await withCheckedThrowingContinuation { holds.wait(for: numbers[1], $0)?.give() }
        }
        #expect(error?.status == 503 && error?.retryAfterSeconds == 1 && holds.count == 0)
    }

    @Test func `batches are changed when they are full, idle for long enough, or open for too long`() {
        var batches = OpenLiveBatches(shardsMax: 2)
        let party = hold("a").party
        let first = batches.nextShard(of: party, at: now)
        let second = batches.nextShard(of: party, at: now)
        #expect(first.isNew && second.isNew && second.key == LiveShardKey(batch: first.key.batch, number: 1))
        batches.opened([first.key.batch])
        let third = batches.nextShard(of: party, at: now)
        #expect(third.key.batch != first.key.batch && third.key.number == 0 && batches.unsealed == [first.key.batch])
        batches.sealed([first.key.batch])
        batches.rotate(after: .seconds(60), most: .seconds(3_600), at: now + .seconds(61)) { _ in false }
        #expect(batches.unsealed.isEmpty)
        batches.rotate(after: .seconds(60), most: .seconds(3_600), at: now + .seconds(61)) { _ in true }
        #expect(batches.unsealed == [third.key.batch])
        let fourth = batches.nextShard(of: party, at: now)
        batches.abandon([fourth.key.batch])
        #expect(batches.unsealed == [third.key.batch, fourth.key.batch])
    }
}
