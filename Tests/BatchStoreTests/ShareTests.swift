// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct FairSharesTests {
    @Test func `equal shares, and what one cannot use goes to the others`() {
        #expect(FairShares(places: 100, turn: 0).shares(wanted: [100, 100, 100, 100]) == [25, 25, 25, 25])
        #expect(FairShares(places: 100, turn: 0).shares(wanted: [10, 100, 0, 100]) == [10, 45, 0, 45])
        #expect(FairShares(places: 10, turn: 3).shares(wanted: [9, 9, 9]).reduce(0, +) == 10)
        #expect(FairShares(places: 7, turn: 0).shares(wanted: [1, 2]) == [1, 2])
        #expect(FairShares(places: 0, turn: 5).shares(wanted: [4, 0]) == [0, 0])
        #expect(FairShares(places: 4, turn: 5).shares(wanted: []) == [])
    }

    @Test func `the sum is what there is or what is wanted, and nobody gets more than it wants`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let wanted = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
                Bool.random(using: &generator) ? 0 : Int.random(in: 0...40, using: &generator)
            }
            let places = Int.random(in: 0...100, using: &generator)
            let shares = FairShares(places: places, turn: .random(in: 0...1_000, using: &generator)).shares(
                wanted: wanted)
            #expect(shares.reduce(0, +) == min(places, wanted.reduce(0, +)))
            #expect(zip(shares, wanted).allSatisfy { $0 <= $1 && $0 >= 0 })
            let short = zip(shares, wanted).filter { $0 < $1 }.map(\.0)
            #expect((shares.max() ?? 0) - (short.min() ?? 0) <= 1 || short.isEmpty, "\(wanted) of \(places): \(shares)")
        }
    }

    @Test func `with fewer places than workers everybody has a turn`() {
        for (workers, places) in [(5, 2), (7, 3), (4, 1), (9, 8)] {
            var served = [Int](repeating: 0, count: workers)
            for turn in 1_000..<(1_000 + workers) {
                let shares = FairShares(places: places, turn: turn).shares(wanted: .init(repeating: 50, count: workers))
                #expect(shares.reduce(0, +) == places)
                for index in shares.indices { served[index] += shares[index] }
            }
            #expect(Set(served) == [places])
        }
    }
}

/// A worker as the cap sees it: it starts no more calls than its grant, and its calls end when they like.
private struct SimulatedWorker {
    let id = WorkerID.random()
    var share = 0
    var inFlight = 0
    var wanted = 100
    /// An answer that is on its way.
    var pending: Int?

    var record: WorkerRecord {
        WorkerRecord(
            id: id, host: "h", pid: 1, version: "0", capacity: 100, inFlight: Int32(inFlight), isDraining: false)
    }

    func ask(cap: Int) -> ShareAsk {
        ShareAsk(backend: "b", cap: cap, inFlight: inFlight, wanted: wanted, share: share)
    }
}

@Suite struct ShareTests {
    private static let cap = 12

    private func beat(_ test: TestStore, _ worker: SimulatedWorker, cap: Int = cap) async throws -> Int {
        let grants = try await test.store.heartbeat(worker.record, asks: [worker.ask(cap: cap)], silence: .seconds(60))
        return try #require(grants["b"])
    }

    @Test func `a worker alone has the whole cap, two share it, and one that leaves gives back at once`() async throws {
        let test = try await TestStore()
        var (first, second) = (SimulatedWorker(), SimulatedWorker())
        first.share = try await beat(test, first)
        #expect(first.share == 12)
        second.share = try await beat(test, second)
        #expect(second.share == 0, "everything is the first one's until it has heard")
        first.share = try await beat(test, first)
        #expect(first.share == 6)
        second.share = try await beat(test, second)
        #expect(second.share == 0, "the first has not confirmed yet")
        _ = try await beat(test, first)
        second.share = try await beat(test, second)
        #expect(second.share == 6)
        try await test.store.removeWorker(first.id)
        #expect(try await beat(test, second) == 12)
    }

    @Test func `who wants nothing gets nothing, and calls in flight keep their places`() async throws {
        let test = try await TestStore()
        var (first, second) = (SimulatedWorker(), SimulatedWorker())
        first.share = try await beat(test, first)
        first.inFlight = 12
        first.wanted = 0
        first.share = try await beat(test, first)
        #expect(first.share == 0)
        #expect(try await beat(test, second) == 0)
        first.inFlight = 5
        #expect(try await beat(test, first) == 0)
        second.share = try await beat(test, second)
        #expect(second.share == 7)
    }

    @Test func `the places of a dead worker go to the others after its silence, but not after an outage`() async throws
    {
        let test = try await TestStore()
        var (first, second) = (SimulatedWorker(), SimulatedWorker())
        second.wanted = 3
        second.share = try await beat(test, second)
        first.share = try await beat(test, first)
        #expect(first.share == 9)
        try await test.tamper("update backend_shares set heartbeat_at = heartbeat_at - interval '70 seconds'")
        #expect(try await beat(test, first) == 9, "everybody was silent: the other may be back in a moment")
        #expect(try await beat(test, first) == 12, "it is not")
        #expect(try await beat(test, second) == 0)
        try await test.tamper(
            """
            update backend_shares set heartbeat_at = heartbeat_at - interval '70 seconds';
            update workers set heartbeat_at = heartbeat_at - interval '70 seconds' where id = '\(first.id)'
            """)
        #expect(try await test.store.pruneWorkers(silence: .seconds(60)) == 1)
        #expect(try await test.number("select count(*) from backend_shares") == 0)
    }

    /// Random interleavings of asking, hearing, starting and ending calls, joining, leaving and dying.
    @Test(arguments: [12, 3])
    func `in no interleaving do the workers have more in flight than the cap, and all of it is used`(cap: Int)
        async throws
    {
        let test = try await TestStore()
        var workers = (0..<4).map { _ in SimulatedWorker() }
        var generator = SystemRandomNumberGenerator()
        for step in 0..<500 {
            let index = Int.random(in: workers.indices, using: &generator)
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<4: workers[index].pending = try await beat(test, workers[index], cap: cap)
            case 4..<6:
                // The answer arrives; calls under way go on.
                workers[index].share = workers[index].pending ?? workers[index].share
                workers[index].pending = nil
            case 6..<8: workers[index].inFlight = max(workers[index].inFlight, workers[index].share)
            case 8: workers[index].inFlight = Int.random(in: 0...workers[index].inFlight, using: &generator)
            default: try await change(&workers, index, step, test, &generator)
            }
            #expect(workers.reduce(0) { $0 + $1.inFlight } <= cap)
        }
        // With fewer places than workers the turn may change at any moment.
        guard cap >= 8 else { return }
        for index in workers.indices { workers[index].wanted = 100 }
        // What all want is known after one round, a smaller grant is given after two and lived by after three: only
        // then are its places free for those who were asked earlier.
        for _ in 0..<4 {
            for index in workers.indices {
                workers[index].pending = nil
                workers[index].share = try await beat(test, workers[index], cap: cap)
                workers[index].inFlight = workers[index].share
            }
        }
        #expect(workers.reduce(0) { $0 + $1.share } == cap)
        #expect(workers.allSatisfy { $0.share >= cap / workers.count })
    }

    private func change(
        _ workers: inout [SimulatedWorker], _ index: Int, _ step: Int, _ test: TestStore,
        _ generator: inout SystemRandomNumberGenerator
    ) async throws {
        if step % 3 == 0, workers.count < 8 { workers.append(SimulatedWorker()) }
        workers[index].wanted = Int.random(in: 0...20, using: &generator)
        guard step % 5 == 0, workers.count > 2 else { return }
        let gone = workers.remove(at: index)
        try await test.store.removeWorker(gone.id)
    }

    @Test func `workers that ask at the same moment are granted no more than the cap`() async throws {
        let test = try await TestStore()
        let workers = (0..<10).map { _ in SimulatedWorker() }
        let grants = try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in workers { group.addTask { try await beat(test, worker) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(grants.reduce(0, +) == Self.cap)
        #expect(try await test.number("select sum(reserved) from backend_shares") == Int64(Self.cap))
    }
}
