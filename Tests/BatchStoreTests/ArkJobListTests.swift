// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct `A list of Ark's jobs` {
    @Test func `meets every condition at once, and an empty one is none`() async throws {
        let test = try await TestStore()
        let first = try await test.makeArkJob(
            try test.newArkJob(
                1, name: "Nightly_批量-1", model: .foundation(name: "a", version: "1"),
                tags: #"[{"Key":"team","Value":"x"},{"Key":"env","Value":""}]"#))
        let second = try await test.makeArkJob(
            try test.newArkJob(
                2, name: "nightly-2", model: .foundation(name: "a", version: "2"),
                tags: #"[{"Key":"team","Value":"y"}]"#))
        let third = try await test.makeArkJob(try test.newArkJob(3, name: "hourly", model: .custom(id: "cm-1")))
        _ = try await test.makeArkJob(try test.newArkJob(4, projectName: "other"))
        try await test.failArkJob(third)
        func list(_ change: @escaping (inout ArkJobFilter) -> Void) async throws -> [BatchID] {
            let found = try await test.arkJobs { filter, _ in change(&filter) }
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
        #expect(try await test.arkJobs(projectName: "none").total == 0)
    }

    @Test func `is ordered by creation or change, page by page`() async throws {
        let test = try await TestStore()
        var ids: [BatchID] = []
        for number in 0..<7 { ids.append(try await test.makeArkJob(try test.newArkJob(number))) }
        try await test.store.updateArkJob(ids[2], project: test.project, name: "new", description: "d")
        func list(_ change: @escaping (inout ArkJobOrder) -> Void) async throws -> [BatchID] {
            let found = try await test.arkJobs { _, order in change(&order) }
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
        let job = try await test.makeArkJob(try test.newArkJob())
        try await test.failArkJob(job)
        #expect(try await test.arkJobs(project: stranger).total == 0)
        #expect(try await test.arkJobs(project: stranger) { filter, _ in filter.ids = [job.rawValue] }.ids.isEmpty)
        #expect(try await test.store.findArkJob(job, project: stranger) == nil)
        let updated = try await test.refusal {
            try await test.store.updateArkJob(job, project: stranger, name: "x", description: nil)
        }
        let deleted = try await test.refusal { try await test.store.deleteArkJob(job, project: stranger) }
        #expect(updated == .notFound && deleted == .notFound)
        #expect(try await test.store.findArkJob(job, project: test.project)?.name == "job")
        await #expect { try await test.store.cancelBatch(job, project: stranger, inArk: true) } throws: { error in
            (error as? BatchError)?.status == 404
        }
    }

    @Test func `shows new names at once, and deleted jobs and their files never again`() async throws {
        let test = try await TestStore()
        let job = try await test.makeArkJob(try test.newArkJob(invocation: "i-1"))
        let store = test.store
        try await store.updateArkJob(job, project: test.project, name: "renamed", description: nil)
        try await store.updateArkJob(job, project: test.project, name: nil, description: "more")
        let found = try #require(try await store.findArkJob(job, project: test.project))
        #expect(found.name == "renamed" && found.description == "more")
        #expect(try await test.number("select count(*) from batches where name = 'renamed'") == 1)
        let early = try await test.refusal { try await store.deleteArkJob(job, project: test.project) }
        #expect(early == .notEnded(.queued))

        // Its file was fetched, and then it failed.
        #expect(try await store.admitJobs(runningMax: 1) == [job])
        #expect(try await store.findArkJob(job, project: test.project)?.phase == .initializing)
        let duty = try #require(
            try await store.claimFetch(owner: .random(), lease: .seconds(60), perProjectMax: 2))
        let file = NewFile(
            id: duty.file, project: test.project, purpose: .batch, filename: "in.jsonl", bytes: 1,
            sha256: [UInt8](repeating: 0, count: 32), vaultKey: "key",
            expiresAfterSeconds: nil)
        #expect(try await store.finishFetch(duty.lease, file))
        try await test.failArkJob(job)
        try await store.deleteArkJob(job, project: test.project)
        #expect(try await store.findArkJob(job, project: test.project) == nil)
        #expect(try await test.arkJobs().total == 0)
        #expect(try await store.findFile(duty.file, project: test.project) == nil)
        let again = try await test.refusal { try await store.deleteArkJob(job, project: test.project) }
        #expect(again == .notFound)
        // An attempt that comes late makes no second job.
        #expect(try await test.makeArkJob(try test.newArkJob(invocation: "i-1")) == job)
    }

    @Test func `counts those that have a place, for each project`() async throws {
        let test = try await TestStore()
        let first = try await test.makeArkJob(try test.newArkJob(1))
        let second = try await test.makeArkJob(try test.newArkJob(2))
        let other = try await test.makeArkJob(try test.newArkJob(3, projectName: "other"))
        func underWay(_ name: String) async throws -> Int64 {
            try await test.store.countArkJobsUnderWay(project: test.project, projectName: name)
        }
        #expect(try await underWay("default") == 0)
        #expect(try await Set(test.store.admitJobs(runningMax: 1)) == [first, other])
        #expect(try await underWay("default") == 1)
        _ = try await test.store.cancelBatch(first, project: test.project, inArk: true)
        #expect(try await underWay("default") == 1)
        #expect(try await test.store.findArkJob(second, project: test.project)?.phase == .queued)
        try await test.tamper("update batches set status = 'cancelled', cancelled_at = now() where id = '\(first)'")
        #expect(try await underWay("default") == 0)
        #expect(try await underWay("other") == 1)
    }

    @Test func `has a resumed job in the queue again, unless its file is under way in another`() async throws {
        let test = try await TestStore()
        let first = try await test.makeArkJob(try test.newArkJob())
        try await test.failArkJob(first)
        let second = try await test.makeArkJob(try test.newArkJob())
        let refused = try await test.refusal { try await test.store.resumeArkJob(first, project: test.project) }
        #expect(refused == .isRunning(second))
        #expect(try await test.store.findArkJob(first, project: test.project)?.phase == .failed)
        try await test.failArkJob(second)
        try await test.store.resumeArkJob(first, project: test.project)
        #expect(try await test.store.findArkJob(first, project: test.project)?.phase == .queued)
        #expect(try await test.arkJobs { filter, _ in filter.phases = [.queued] }.ids == [first])
        let again = try await test.refusal { try await test.makeArkJob(try test.newArkJob()) }
        #expect(again == .isRunning(first))
    }
}
