// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct `Stored files` {
    private func file(_ test: TestStore, bytes: Int64 = 10, purpose: FilePurpose = .batch) -> NewFile {
        let id = FileID.random()
        return NewFile(
            id: id, project: test.project, purpose: purpose, filename: "f", bytes: bytes,
            sha256: [UInt8](repeating: 0, count: 32), vaultKey: id.rawValue, expiresAfterSeconds: nil)
    }

    private func code(_ error: any Error) -> String? { (error as? BatchError)?.code }

    @Test func `are never more than allowed, however many arrive at once`() async throws {
        let test = try await TestStore()
        let made = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    do {
                        _ = try await test.store.insertFile(file(test), storage: StorageLimits(files: 3))
                        return true
                    } catch {
                        #expect(code(error) == "file_number_limit_exceeded", "\(error)")
                        return false
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 3)
    }

    @Test func `have no more bytes than allowed; results and deleted ones do not count`() async throws {
        let test = try await TestStore()
        let limits = StorageLimits(bytes: 100)
        _ = try await test.store.insertFile(file(test, bytes: 1_000, purpose: .batchOutput))
        let first = try await test.store.insertFile(file(test, bytes: 60), storage: limits)
        _ = try await test.store.insertFile(file(test, bytes: 40), storage: limits)
        await #expect { try await test.store.insertFile(file(test, bytes: 1), storage: limits) } throws: {
            code($0) == "file_capacity_limit_exceeded"
        }
        await #expect { try await test.store.checkStorage(test.project, bytes: 1, limits) } throws: {
            code($0) == "file_capacity_limit_exceeded"
        }
        #expect(try await test.store.deleteFile(first.id, project: test.project))
        try await test.store.checkStorage(test.project, bytes: 60, limits)
        _ = try await test.store.insertFile(file(test, bytes: 60), storage: limits)
    }
}
