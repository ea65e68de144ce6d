// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

/// The rows of keys that sign requests.
@Suite struct AccessKeyTests {
    @Test func `an access key is found with its project and sealed secret until it is revoked`() async throws {
        let test = try await TestStore()
        let key = AccessKey(id: "AKLT1", project: test.project, secret: [1, 2, 3])
        #expect(try await test.store.insertAccessKey(key, name: "first"))
        #expect(try await test.store.findAccessKey(id: "AKLT1") == key)
        #expect(try await test.store.findAccessKey(id: "aklt1") == nil)
        #expect(try await test.store.revokeAccessKey(id: "AKLT1"))
        #expect(try await test.store.findAccessKey(id: "AKLT1") == nil)
        #expect(try await !test.store.revokeAccessKey(id: "AKLT1"))
        #expect(try await !test.store.revokeAccessKey(id: "AKLT2"))
        #expect(try await test.store.listAccessKeys().first?.revokedAt != nil)
        await test.store.close()
    }

    @Test func `an id stands for one key for ever, revoked or not`() async throws {
        let test = try await TestStore()
        let other = try await test.store.ensureProject(name: "other")
        let key = AccessKey(id: "AKLT1", project: test.project, secret: [1])
        #expect(try await test.store.insertAccessKey(key, name: "first"))
        let taken = AccessKey(id: "AKLT1", project: other, secret: [2])
        #expect(try await !test.store.insertAccessKey(taken, name: "second"))
        #expect(try await test.store.findAccessKey(id: "AKLT1") == key)
        #expect(try await test.store.revokeAccessKey(id: "AKLT1"))
        #expect(try await !test.store.insertAccessKey(taken, name: "third"))
        await test.store.close()
    }

    @Test func `lists say whose a key is and when it was last used, written once a minute at most`() async throws {
        let test = try await TestStore()
        for id in ["AKLT1", "AKLT2"] {
            let key = AccessKey(id: id, project: test.project, secret: [1])
            #expect(try await test.store.insertAccessKey(key, name: "of \(id)"))
        }
        #expect(try await test.store.listAccessKeys().map(\.lastUsedAt) == [nil, nil])
        try await test.store.noteAccessKeyUse(id: "AKLT2")
        let listed = try await test.store.listAccessKeys()
        #expect(listed.map(\.id) == ["AKLT1", "AKLT2"] && listed.map(\.name) == ["of AKLT1", "of AKLT2"])
        #expect(listed.allSatisfy { $0.projectName == "tests" && $0.revokedAt == nil })
        #expect(listed[0].lastUsedAt == nil && listed[1].lastUsedAt != nil)
        let moment = "select (extract(epoch from last_used_at) * 1000000)::int8 from access_keys where id = 'AKLT2'"
        let first = try await test.number(moment)
        try await test.store.noteAccessKeyUse(id: "AKLT2")
        #expect(try await test.number(moment) == first)
        try await test.tamper("update access_keys set last_used_at = last_used_at - interval '61 seconds'")
        try await test.store.noteAccessKeyUse(id: "AKLT2")
        #expect(try await test.number(moment) > first - 61_000_000)
        await test.store.close()
    }
}
