// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct FileTests {
    private func newFile(_ test: TestStore, _ name: String, lifetime: Int64? = nil) -> NewFile {
        NewFile(
            id: .random(), project: test.project, purpose: .batch, filename: name, bytes: 3,
            sha256: [UInt8](repeating: 1, count: 32), vaultKey: FileID.random().rawValue,
            expiresAfterSeconds: lifetime)
    }

    @Test func `a file is found by its project only, and not after it was deleted or has expired`() async throws {
        let test = try await TestStore()
        let stranger = try await test.store.ensureProject(name: "stranger")
        let file = try await test.store.insertFile(newFile(test, "näme \"x\".jsonl", lifetime: 3_600))
        #expect(file.expiresAt == file.createdAt + 3_600)
        #expect(try await test.store.findFile(file.id, project: test.project) == file)
        #expect(try await test.store.findFile(file.id, project: stranger) == nil)
        #expect(try await !test.store.deleteFile(file.id, project: stranger))
        #expect(try await test.store.deleteFile(file.id, project: test.project))
        #expect(try await !test.store.deleteFile(file.id, project: test.project))
        #expect(try await test.store.findFile(file.id, project: test.project) == nil)

        let brief = try await test.store.insertFile(newFile(test, "brief", lifetime: 3_600))
        try await test.tamper("update files set expires_at = clock_timestamp() where filename = 'brief'")
        #expect(try await test.store.findFile(brief.id, project: test.project) == nil)
        #expect(try await test.store.expireFiles() == 1)
        #expect(try await Set(test.store.prunableFiles().map(\.id)) == [file.id, brief.id])
    }

    @Test func `paging goes on behind a deleted file`() async throws {
        let test = try await TestStore()
        var ids: [FileID] = []
        for index in 0..<5 { ids.append(try await test.store.insertFile(newFile(test, "\(index)")).id) }
        let first = try await test.store.listFiles(
            project: test.project, after: nil, limit: 2, ascending: false, purpose: .batch)
        #expect(first.elements.map(\.id) == [ids[4], ids[3]] && first.hasMore)
        #expect(try await test.store.deleteFile(ids[3], project: test.project))
        let rest = try await test.store.listFiles(
            project: test.project, after: ids[3], limit: 10, ascending: false, purpose: nil)
        #expect(rest.elements.map(\.id) == [ids[2], ids[1], ids[0]] && !rest.hasMore)
        let ascending = try await test.store.listFiles(
            project: test.project, after: ids[0], limit: 10, ascending: true, purpose: nil)
        #expect(ascending.elements.map(\.id) == [ids[1], ids[2], ids[4]])
        let none = try await test.store.listFiles(
            project: test.project, after: nil, limit: 10, ascending: true, purpose: .batchOutput)
        #expect(none.elements.isEmpty)
    }

    @Test func `bytes that a batch still has to read are not pruned`() async throws {
        let test = try await TestStore()
        let file = try await test.store.insertFile(newFile(test, "in use"))
        let batch = try await test.makeBatch(inputFileID: file.id.rawValue)
        #expect(try await test.store.deleteFile(file.id, project: test.project))
        #expect(try await test.store.prunableFiles().isEmpty)
        let duty = try await test.takeValidation(of: batch.id)
        #expect(try await test.store.refuseBatch(duty, problems: "[]", event: .random()))
        #expect(try await test.store.prunableFiles().map(\.id) == [file.id])
        try await test.store.markPruned(file.id)
        #expect(try await test.store.prunableFiles().isEmpty)
        #expect(try await test.store.referencedKeys([file.vaultKey]).isEmpty)
    }

    @Test func `a revoked key opens nothing`() async throws {
        let test = try await TestStore()
        let digest = [UInt8](repeating: 9, count: 32)
        try await test.store.insertAPIKey(project: test.project, sha256: digest, prefix: "sk-1", name: "one")
        try await test.store.insertAPIKey(project: test.project, sha256: digest, prefix: "sk-1", name: "one")
        let owner = try #require(try await test.store.findAPIKey(sha256: digest))
        #expect(owner.project == test.project)
        #expect(try await test.store.revokeAPIKey(keyID: owner.keyID))
        #expect(try await !test.store.revokeAPIKey(keyID: owner.keyID))
        #expect(try await test.store.findAPIKey(sha256: digest) == nil)
        #expect(try await test.store.listAPIKeys().first?.revokedAt != nil)
    }

    @Test func `migrating twice and by many at once applies each step once`() async throws {
        let test = try await TestStore()
        #expect(try await test.store.pendingMigrations().isEmpty)
        let applied = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<4 { group.addTask { try await test.store.migrate() } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(applied.isEmpty)
        try await test.tamper("update schema_migrations set checksum = 'x' where name = '0002_files'")
        await #expect(throws: SchemaError.self) { try await test.store.migrate() }
    }
}
