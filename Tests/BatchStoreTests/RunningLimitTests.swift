// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct `Batches under way` {
    private func new(
        _ test: TestStore, hash: UInt8, endpoint: Endpoint = .chatCompletions, profile: Profile = .bailian,
        max: RunningLimits, of project: ProjectID? = nil
    ) throws -> NewBatch {
        var new = NewBatch(
            project: project ?? test.project, inputFileID: "file-none", endpoint: endpoint.rawValue,
            window: try #require(CompletionWindow("24h", range: 1...Int64.max)),
            requestSHA256: [UInt8](repeating: hash, count: 32))
        new.profile = profile
        new.runningMax = max
        return new
    }

    private func isTooMany(_ error: any Error) -> Bool {
        guard let error = error as? BatchError else { return false }
        return error.status == 429 && error.code == "rate_limit_exceeded" && error.isFinal
            && error.retryAfterSeconds == 60
    }

    @Test func `are never more than allowed, however many are created at once`() async throws {
        let test = try await TestStore()
        let made = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<24 {
                group.addTask {
                    do {
                        return try await test.store.insertBatch(
                            new(test, hash: UInt8(index), max: RunningLimits(all: 5))
                        ).isNew
                    } catch {
                        #expect(isTooMany(error), "\(error)")
                        return false
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 5)
        #expect(try await test.number("select count(*) from batches") == 5)
    }

    @Test func `of the test model have a limit of their own`() async throws {
        let test = try await TestStore()
        let max = RunningLimits(all: 4, test: 2)
        for hash in 0..<2 {
            _ = try await test.store.insertBatch(new(test, hash: UInt8(hash), endpoint: .test, max: max))
        }
        await #expect { try await test.store.insertBatch(new(test, hash: 9, endpoint: .test, max: max)) } throws: {
            isTooMany($0) && ($0 as? BatchError)?.message.contains("2 batches of the test model") ?? false
        }
        for hash in [3, 4] as [UInt8] { _ = try await test.store.insertBatch(new(test, hash: hash, max: max)) }
        await #expect { try await test.store.insertBatch(new(test, hash: 5, max: max)) } throws: { isTooMany($0) }
        // Others are not concerned: another project, another profile.
        let other = try await test.store.ensureProject(name: "others")
        _ = try await test.store.insertBatch(new(test, hash: 6, endpoint: .test, max: max, of: other))
        _ = try await test.store.insertBatch(
            new(test, hash: 7, endpoint: .test, profile: .openAI, max: RunningLimits()))
    }

    @Test func `make room when they end, and a repeated request needs none`() async throws {
        let test = try await TestStore()
        let max = RunningLimits(all: 1)
        let first = try await test.store.insertBatch(new(test, hash: 1, max: max)).batch
        var again = try new(test, hash: 1, max: max)
        again.isRetry = true
        #expect(try await test.store.insertBatch(again).batch.id == first.id)
        await #expect { try await test.store.insertBatch(new(test, hash: 2, max: max)) } throws: { isTooMany($0) }
        try await test.tamper(
            "update batches set status = 'failed', failed_at = now(), problems = '[]' where id = '\(first.id)'")
        let second = try await test.store.insertBatch(new(test, hash: 2, max: max)).batch
        #expect(second.profile == .bailian)
        #expect(try await test.store.findBatch(second.id, project: test.project)?.profile == .bailian)
    }
}
