// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct StarvationTests {
    /// Six projects with one to six batches each, workers that hold what they claimed for three rounds.
    @Test func `over many claims projects of a rank hold the same, whatever they bring`() async throws {
        let test = try await TestStore()
        var owners: [BatchID: Int] = [:]
        for project in 0..<6 {
            let owner = try await test.store.ensureProject(name: "p\(project)")
            for _ in 0...project {
                owners[try await test.openBatch(shards: 240 / (project + 1), lines: 1, of: owner).id] = project
            }
        }
        var taken = [Int](repeating: 0, count: 6)
        var inHand = taken
        var held: [[ClaimedShard]] = []
        let worker = WorkerID.random()
        for _ in 0..<90 {
            let claims = try await test.store.claimShards(worker: worker, limit: 7, lease: .seconds(60))
            for claim in claims {
                let project = try #require(owners[claim.lease.shard.batch])
                taken[project] += 1
                inHand[project] += 1
            }
            #expect(try #require(inHand.max()) - (try #require(inHand.min())) <= 2, "\(inHand)")
            held.append(claims)
            guard held.count > 3 else { continue }
            let oldest = held.removeFirst()
            try await test.finish(oldest, by: worker)
            for claim in oldest { inHand[try #require(owners[claim.lease.shard.batch])] -= 1 }
        }
        #expect(taken.reduce(0, +) == 630)
        #expect(try #require(taken.min()) >= 90, "a seventh less than an equal share: \(taken)")
    }

    @Test func `every new short batch is served by the second claim at the latest while long ones wait`() async throws {
        let test = try await TestStore()
        for project in 0..<3 {
            let owner = try await test.store.ensureProject(name: "long\(project)")
            _ = try await test.openBatch(shards: 300, lines: 1, of: owner)
        }
        let worker = WorkerID.random()
        var held: [[ClaimedShard]] = []
        for round in 0..<12 {
            let owner = try await test.store.ensureProject(name: "short\(round % 4)")
            let short = try await test.openBatch(shards: 1, lines: 1, of: owner)
            var claimsUntilServed = 0
            var isServed = false
            while !isServed, claimsUntilServed < 10 {
                let claims = try await test.store.claimShards(worker: worker, limit: 3, lease: .seconds(60))
                claimsUntilServed += 1
                isServed = claims.contains { $0.lease.shard.batch == short.id }
                held.append(claims)
                if held.count > 4 { try await test.finish(held.removeFirst(), by: worker) }
            }
            #expect(claimsUntilServed <= 2, "round \(round)")
        }
    }

    @Test func `a low priority gets everything that the higher ones leave`() async throws {
        let test = try await TestStore()
        let low = try await test.openBatch(shards: 10, lines: 1, priority: -50)
        let other = try await test.store.ensureProject(name: "other")
        let high = try await test.openBatch(shards: 5, lines: 1, of: other, priority: 50)
        let claims = try await test.store.claimShards(worker: .random(), limit: 8, lease: .seconds(60))
        let counts = Dictionary(grouping: claims.map(\.lease.shard.batch)) { $0 }.mapValues(\.count)
        #expect(counts == [high.id: 5, low.id: 3])
    }
}
