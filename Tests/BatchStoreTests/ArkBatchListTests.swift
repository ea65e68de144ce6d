// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct `A list of Ark's jobs` {
    @Test func `meets every condition at once, and an empty one is none`() async throws {
        let test = try await TestStore()
        let first = try await test.makeArkBatch(
            try test.newArkBatch(
                1, name: "Nightly_批量-1", model: .foundation(name: "a", version: "1"),
                tags: #"[{"Key":"team","Value":"x"},{"Key":"env","Value":""}]"#))
        let second = try await test.makeArkBatch(
            try test.newArkBatch(
                2, name: "nightly-2", model: .foundation(name: "a", version: "2"),
                tags: #"[{"Key":"team","Value":"y"}]"#))
        let third = try await test.makeArkBatch(try test.newArkBatch(3, name: "hourly", model: .custom(id: "cm-1")))
        _ = try await test.makeArkBatch(try test.newArkBatch(4, projectName: "other"))
        try await test.failArkBatch(third)
        func list(_ change: @escaping (inout ArkBatchFilter) -> Void) async throws -> [BatchID] {
            let found = try await test.arkBatches { filter, _ in change(&filter) }
            #expect(found.total == Int64(found.ids.count))
            return found.ids
        }
        #expect(try await list { _ in } == [third, second, first])
        #expect(try await list { $0.ids = [second.rawValue, first.rawValue, "bi-none"] } == [second, first])
        #expect(try await list { $0.namePart = "NIGHT" } == [second, first])
        #expect(try await list { $0.namePart = "批" } == [first])
        #expect(try await list { $0.namePart = "%" }.isEmpty)
        #expect(try await list { $0.namePart = "_" } == [first])
        #expect(try await list { $0.phases = [.failed] } == [third])
        #expect(try await list { $0.phases = [.queued, .running] } == [second, first])
        #expect(try await list { $0.models = [.init(name: "a", versions: [])] } == [second, first])
        #expect(try await list { $0.models = [.init(name: "a", versions: ["2", "9"])] } == [second])
        #expect(try await list { $0.models = [.init(name: "b", versions: [])] }.isEmpty)
        #expect(try await list { $0.customModels = ["cm-1"] } == [third])
        #expect(
            try await list {
                $0.models = [.init(name: "a", versions: ["1"]), .init(name: "c", versions: [])]
                $0.customModels = ["cm-1"]
            } == [third, first])
        #expect(try await list { $0.tags = [.init(key: "team", values: [])] } == [second, first])
        #expect(try await list { $0.tags = [.init(key: "team", values: ["x", "z"])] } == [first])
        #expect(
            try await list { $0.tags = [.init(key: "team", values: []), .init(key: "env", values: [""])] } == [first])
        #expect(
            try await list {
                $0.tags = [.init(key: "team", values: [])]
                $0.models = [.init(name: "a", versions: ["2"]), .init(name: "a", versions: ["1"])]
                $0.phases = [.queued]
                $0.namePart = "2"
            } == [second])
        #expect(try await test.arkBatches(projectName: "none").total == 0)
    }

    @Test func `is ordered by creation or change, page by page`() async throws {
        let test = try await TestStore()
        var ids: [BatchID] = []
        for number in 0..<7 { ids.append(try await test.makeArkBatch(try test.newArkBatch(number))) }
        try await test.store.updateArkBatch(ids[2], project: test.project, name: "new", description: "d")
        func list(_ change: @escaping (inout ArkBatchOrder) -> Void) async throws -> [BatchID] {
            let found = try await test.arkBatches { _, order in change(&order) }
            #expect(found.total == 7)
            return found.ids
        }
        #expect(try await list { _ in } == ids.reversed())
        #expect(try await list { $0.isAscending = true } == ids)
        #expect(try await list { $0.isByUpdate = true } == [ids[2]] + ids.filter { $0 != ids[2] }.reversed())
        #expect(
            try await list {
                $0.isByUpdate = true
                $0.isAscending = true
                $0.limit = 6
            } == ids.filter { $0 != ids[2] })
        for page in 0..<4 {
            let expected = Array(ids.reversed().dropFirst(page * 3).prefix(3))
            #expect(
                try await list {
                    $0.offset = Int64(page * 3)
                    $0.limit = 3
                } == expected)
        }
        // Made at the same moment, they still have one order.
        try await test.tamper("update ark_jobs set created_at = '2026-01-01Z'")
        #expect(try await list { $0.isAscending = true } == ids)
    }

    @Test func `ends at the border of the tenant, as does everything else`() async throws {
        let test = try await TestStore()
        let stranger = try await test.store.ensureProject(name: "stranger")
        let job = try await test.makeArkBatch(try test.newArkBatch())
        try await test.failArkBatch(job)
        #expect(try await test.arkBatches(project: stranger).total == 0)
        #expect(try await test.arkBatches(project: stranger) { filter, _ in filter.ids = [job.rawValue] }.ids.isEmpty)
        #expect(try await test.store.findArkBatch(job, project: stranger) == nil)
        let updated = try await test.refusal {
            try await test.store.updateArkBatch(job, project: stranger, name: "x", description: nil)
        }
        let deleted = try await test.refusal { try await test.store.deleteArkBatch(job, project: stranger) }
        #expect(updated == .notFound && deleted == .notFound)
        #expect(try await test.store.findArkBatch(job, project: test.project)?.name == "job")
        await #expect { try await test.store.cancelBatch(job, project: stranger, inArk: true) } throws: { error in
            (error as? BatchError)?.status == 404
        }
    }

    @Test func `shows new names at once, and deleted jobs and their files never again`() async throws {
        let test = try await TestStore()
        let job = try await test.makeArkBatch(try test.newArkBatch(invocation: "i-1"))
        let store = test.store
        try await store.updateArkBatch(job, project: test.project, name: "renamed", description: nil)
        try await store.updateArkBatch(job, project: test.project, name: nil, description: "more")
        let found = try #require(try await store.findArkBatch(job, project: test.project))
        #expect(found.name == "renamed" && found.description == "more")
        #expect(try await test.number("select count(*) from batches where name = 'renamed'") == 1)
        let early = try await test.refusal { try await store.deleteArkBatch(job, project: test.project) }
        #expect(early == .notEnded(.queued))

        // Its file was fetched, and then it failed.
        #expect(try await store.admitBatches(runningMax: 1) == [job])
        #expect(try await store.findArkBatch(job, project: test.project)?.phase == .initializing)
        let duty = try #require(
            try await store.claimFetch(owner: .random(), lease: .seconds(60), perProjectMax: 2))
        let file = NewFile(
            id: duty.file, project: test.project, purpose: .batch, filename: "in.jsonl", bytes: 1,
            sha256: [UInt8](repeating: 0, count: 32), vaultKey: "key",
            expiresAfterSeconds: nil)
        #expect(try await store.finishFetch(duty.lease, file))
        try await test.failArkBatch(job)
        try await store.deleteArkBatch(job, project: test.project)
        #expect(try await store.findArkBatch(job, project: test.project) == nil)
        #expect(try await test.arkBatches().total == 0)
        #expect(try await store.findFile(duty.file, project: test.project) == nil)
        let again = try await test.refusal { try await store.deleteArkBatch(job, project: test.project) }
        #expect(again == .notFound)
        // An attempt that comes late makes no second job.
        #expect(try await test.makeArkBatch(try test.newArkBatch(invocation: "i-1")) == job)
    }

    @Test func `counts those that have a place, for each project`() async throws {
        let test = try await TestStore()
        let first = try await test.makeArkBatch(try test.newArkBatch(1))
        let second = try await test.makeArkBatch(try test.newArkBatch(2))
        let other = try await test.makeArkBatch(try test.newArkBatch(3, projectName: "other"))
        func underWay(_ name: String) async throws -> Int64 {
            try await test.store.countArkBatchesUnderWay(project: test.project, projectName: name)
        }
        #expect(try await underWay("default") == 0)
        #expect(try await Set(test.store.admitBatches(runningMax: 1)) == [first, other])
        #expect(try await underWay("default") == 1)
        _ = try await test.store.cancelBatch(first, project: test.project, inArk: true)
        #expect(try await underWay("default") == 1)
        #expect(try await test.store.findArkBatch(second, project: test.project)?.phase == .queued)
        try await test.tamper("update batches set status = 'cancelled', cancelled_at = now() where id = '\(first)'")
        #expect(try await underWay("default") == 0)
        #expect(try await underWay("other") == 1)
    }

    @Test func `has a resumed job in the queue again, unless its file is under way in another`() async throws {
        let test = try await TestStore()
        let first = try await test.makeArkBatch(try test.newArkBatch())
        try await test.failArkBatch(first)
        let second = try await test.makeArkBatch(try test.newArkBatch())
        let refused = try await test.refusal { try await test.store.resumeArkBatch(first, project: test.project) }
        #expect(refused == .isRunning(second))
        #expect(try await test.store.findArkBatch(first, project: test.project)?.phase == .failed)
        try await test.failArkBatch(second)
        try await test.store.resumeArkBatch(first, project: test.project)
        #expect(try await test.store.findArkBatch(first, project: test.project)?.phase == .queued)
        #expect(try await test.arkBatches { filter, _ in filter.phases = [.queued] }.ids == [first])
        let again = try await test.refusal { try await test.makeArkBatch(try test.newArkBatch()) }
        #expect(again == .isRunning(first))
    }
}
