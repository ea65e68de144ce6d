// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct EndpointStoreTests {
    private func change(
        name: String? = nil, url: String? = nil, types: [EventType]? = nil, isEnabled: Bool? = nil
    ) -> EndpointChange {
        var change = EndpointChange()
        (change.name, change.url, change.eventTypes, change.isEnabled) = (name, url, types, isEnabled)
        return change
    }

    private func age(_ test: TestStore) async throws {
        try await test.tamper("update webhook_endpoints set updated_at = '2026-01-01', created_at = '2026-01-01'")
    }

    @Test func `an endpoint is kept as it was made`() async throws {
        let test = try await TestStore()
        let made = try await test.endpoint("näme", url: "https://example.com/a?b=c", types: [.batchExpired])
        #expect(made.name == "näme" && made.url == "https://example.com/a?b=c" && made.eventTypes == [.batchExpired])
        #expect(made.disabledReason == nil && made.failingSince == nil && made.createdAt > 0)
        #expect(made.project == test.project && made.secretHint == "whsec_…näme")
        #expect(try await test.store.findEndpoint(made.id, project: test.project) == made)
        let secrets = try await test.store.endpointSecrets(made.id, project: test.project)
        #expect(
            secrets == [SealedSecret(bytes: Array("näme".utf8), context: SealedSecret.context(of: made.id))])
    }

    @Test func `to another project an endpoint does not exist`() async throws {
        let test = try await TestStore()
        let stranger = try await test.store.ensureProject(name: "stranger")
        let made = try await test.endpoint()
        #expect(try await test.store.findEndpoint(made.id, project: stranger) == nil)
        #expect(try await test.store.endpointSecrets(made.id, project: stranger).isEmpty)
        #expect(
            try await test.store.updateEndpoint(made.id, project: stranger, change(url: "https://thief/")) == nil)
        #expect(
            try await test.store.rotateSecret(
                made.id, project: stranger, secret: [1], hint: "h", keepOldFor: nil) == nil)
        #expect(try await !test.store.deleteEndpoint(made.id, project: stranger))
        #expect(try await test.store.listEndpoints(project: stranger, after: nil, limit: 9).elements.isEmpty)
        await #expect {
            try await test.store.listEndpoints(project: stranger, after: made.id, limit: 9)
        } throws: {
            ($0 as? BatchError)?.param == "after"
        }
        _ = try await test.dispatched()
        let delivery = try await test.onlyDelivery()
        _ = try await test.store.updateEndpoint(made.id, project: stranger, change(isEnabled: false))
        #expect(try await test.onlyDelivery() == delivery)
        #expect(try await test.store.findDelivery(delivery.id, project: stranger) == nil)
        var filter = DeliveryFilter()
        filter.endpoint = made.id
        #expect(
            try await test.store.listDeliveries(project: stranger, filter, after: nil, limit: 9).elements.isEmpty)
        await #expect {
            try await test.store.listDeliveries(project: stranger, filter, after: delivery.id, limit: 9)
        } throws: {
            ($0 as? BatchError)?.param == "after"
        }
        #expect(try await test.store.findEndpoint(made.id, project: test.project) == made)
    }

    @Test func `a project has so many endpoints and no more, also when rivals make them`() async throws {
        let test = try await TestStore()
        let stranger = try await test.store.ensureProject(name: "stranger")
        let first = try await test.endpoint(limit: 3)
        let made = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 { group.addTask { (try? await test.endpoint(limit: 3)) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 2)
        await #expect { try await test.endpoint(limit: 3) } throws: {
            ($0 as? BatchError)?.code == "webhook_endpoint_limit_exceeded"
        }
        _ = try await test.endpoint(of: stranger, limit: 3)
        #expect(try await test.store.deleteEndpoint(first.id, project: test.project))
        _ = try await test.endpoint(limit: 3)
    }

    @Test func `endpoints are listed newest first, and paging goes on behind a deleted one`() async throws {
        let test = try await TestStore()
        var ids: [EndpointID] = []
        for number in 0..<5 { ids.append(try await test.endpoint("\(number)").id) }
        let first = try await test.store.listEndpoints(project: test.project, after: nil, limit: 2)
        #expect(first.elements.map(\.id) == [ids[4], ids[3]] && first.hasMore)
        #expect(try await test.store.deleteEndpoint(ids[3], project: test.project))
        let rest = try await test.store.listEndpoints(project: test.project, after: ids[3], limit: 3)
        #expect(rest.elements.map(\.id) == [ids[2], ids[1], ids[0]] && !rest.hasMore)
        let none = try await test.store.listEndpoints(project: test.project, after: ids[0], limit: 3)
        #expect(none.elements.isEmpty && !none.hasMore)
    }

    @Test func `a change that changes nothing leaves the time of the last change`() async throws {
        let test = try await TestStore()
        let made = try await test.endpoint(types: [.batchFailed])
        try await age(test)
        for same in [
            change(), change(name: made.name), change(url: made.url, types: [.batchFailed]), change(isEnabled: true),
        ] {
            let found = try await test.store.updateEndpoint(made.id, project: test.project, same)
            #expect(found?.updatedAt == found?.createdAt && found?.name == made.name)
        }
        let renamed = try await test.store.updateEndpoint(made.id, project: test.project, change(name: "new"))
        #expect(renamed?.name == "new" && renamed?.url == made.url && renamed?.eventTypes == [.batchFailed])
        #expect((renamed?.updatedAt ?? 0) > (renamed?.createdAt ?? 0))
        let unknown = EndpointID(rawValue: "we_nothing")
        #expect(try await test.store.updateEndpoint(unknown, project: test.project, change(name: "x")) == nil)
    }

    @Test func `disabling gives up what waits, enabling sends what comes`() async throws {
        let test = try await TestStore()
        let made = try await test.endpoint()
        _ = try await test.dispatched()
        let off = try await test.store.updateEndpoint(made.id, project: test.project, change(isEnabled: false))
        #expect(off?.disabledReason == "it was disabled by its owner")
        let given = try await test.onlyDelivery()
        #expect(given.status == .exhausted && given.lastError?.contains("disabled by its owner") == true)
        try await age(test)
        let again = try await test.store.updateEndpoint(made.id, project: test.project, change(isEnabled: false))
        #expect(again?.updatedAt == again?.createdAt && again?.disabledReason == off?.disabledReason)
        let renamed = try await test.store.updateEndpoint(made.id, project: test.project, change(name: "still off"))
        #expect(renamed?.disabledReason == off?.disabledReason && renamed?.name == "still off")
        let on = try await test.store.updateEndpoint(made.id, project: test.project, change(isEnabled: true))
        #expect(on?.disabledReason == nil)
        #expect(try await test.onlyDelivery().status == .exhausted, "only a replay sends what was given up")
        _ = try await test.dispatched()
        #expect(try await test.deliveries(status: .pending).count == 1)
    }

    @Test func `a new URL counts for what waits and forgets the failures of the old one`() async throws {
        let test = try await TestStore()
        let owner = CoordinatorID.random()
        let made = try await test.endpoint()
        _ = try await test.dispatched(2)
        let duty = try #require(try await test.claim(by: owner).first)
        try await test.settle(duty, .again(after: .zero), by: owner)
        let failing = try await test.store.findEndpoint(made.id, project: test.project)
        #expect(failing?.failingSince != nil)
        let moved = try await test.store.updateEndpoint(
            made.id, project: test.project, change(url: "https://new.example.com/"))
        #expect(moved?.failingSince == nil)
        #expect(try await test.claim(by: owner).map(\.url) == ["https://new.example.com/"])
        #expect(try await test.deliveries().allSatisfy { $0.url == "https://new.example.com/" })
    }

    @Test func `a new secret signs alone, or beside the old one for as long as was asked`() async throws {
        let test = try await TestStore()
        let made = try await test.endpoint("one")
        func secrets() async throws -> [[UInt8]] {
            try await test.store.endpointSecrets(made.id, project: test.project).map(\.bytes)
        }
        let two = try await test.store.rotateSecret(
            made.id, project: test.project, secret: Array("two".utf8), hint: "whsec_…two", keepOldFor: .seconds(3_600))
        #expect(two?.secretHint == "whsec_…two")
        #expect(try await secrets() == [Array("two".utf8), Array("one".utf8)])
        _ = try await test.dispatched()
        let duty = try await test.claim(by: .random()).first
        #expect(duty?.secrets.map(\.bytes) == [Array("two".utf8), Array("one".utf8)])
        try await test.tamper("update webhook_endpoints set old_secret_until = clock_timestamp()")
        #expect(try await secrets() == [Array("two".utf8)])
        _ = try await test.store.rotateSecret(
            made.id, project: test.project, secret: Array("three".utf8), hint: "h", keepOldFor: .seconds(3_600))
        _ = try await test.store.rotateSecret(
            made.id, project: test.project, secret: Array("four".utf8), hint: "h", keepOldFor: nil)
        #expect(try await secrets() == [Array("four".utf8)])
    }

    @Test func `a deleted endpoint is told nothing more, and its log stays`() async throws {
        let test = try await TestStore()
        let made = try await test.endpoint()
        _ = try await test.dispatched()
        #expect(try await test.store.deleteEndpoint(made.id, project: test.project))
        #expect(try await !test.store.deleteEndpoint(made.id, project: test.project))
        #expect(try await test.store.findEndpoint(made.id, project: test.project) == nil)
        #expect(try await test.store.endpointSecrets(made.id, project: test.project).isEmpty)
        #expect(
            try await test.store.updateEndpoint(made.id, project: test.project, change(isEnabled: true)) == nil)
        let delivery = try await test.onlyDelivery()
        #expect(delivery.status == .exhausted && delivery.lastError == "the endpoint was deleted")
        #expect(try await test.number("select octet_length(secret) from webhook_endpoints") == 0)
        _ = try await test.dispatched()
        #expect(try await test.deliveries().count == 1)
    }

    @Test func `deliveries are listed newest first, and by what they are`() async throws {
        let test = try await TestStore()
        let made = try await test.endpoint()
        let events = try await test.dispatched(3)
        let newest = try await test.store.listDeliveries(
            project: test.project, DeliveryFilter(), after: nil, limit: 2)
        #expect(newest.elements.map(\.event) == [events[2], events[1]] && newest.hasMore)
        let rest = try await test.store.listDeliveries(
            project: test.project, DeliveryFilter(), after: newest.elements.last?.id, limit: 2)
        #expect(rest.elements.map(\.event) == [events[0]] && !rest.hasMore)
        let batch = rest.elements[0].batch
        #expect(try await test.deliveries(of: batch).map(\.event) == [events[0]])
        #expect(try await test.deliveries(to: made.id, of: batch, event: events[0], status: .pending).count == 1)
        #expect(try await test.deliveries(of: batch, event: events[1]).isEmpty)
        #expect(try await test.deliveries(status: .delivered).isEmpty)
        #expect(try await test.deliveries(to: EndpointID(rawValue: "we_nothing")).isEmpty)
    }
}

@Suite struct ReceiverInheritanceTests {
    /// A cancelled batch with receivers and an error file, so that it can be retried.
    private func parent(_ test: TestStore) async throws -> BatchID {
        let input = NewFile(
            id: .random(), project: test.project, purpose: .batch, filename: "in", bytes: 1,
            sha256: [UInt8](repeating: 0, count: 32), vaultKey: "in", expiresAfterSeconds: nil)
        var error = input
        (error.id, error.purpose, error.vaultKey) = (.random(), .batchOutput, "error")
        let file = try await test.store.insertFile(input).id
        let window = try #require(CompletionWindow("24h", range: 1...Int64.max))
        var new = NewBatch(
            project: test.project, inputFileID: file.rawValue, endpoint: "/v1/chat/completions", window: window,
            metadata: #"{"ds_batch_finish_callback":"https://b.example.com/"}"#,
            requestSHA256: [UInt8](repeating: 0, count: 32))
        (new.webhookURL, new.webhookSecret) = ("https://a.example.com/", [1, 2])
        new.callbackURL = "https://b.example.com/"
        let batch = try await test.store.insertBatch(new).batch
        _ = try await test.store.cancelBatch(batch.id, project: test.project)
        let duty = try #require(
            try await test.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero))
        let publication = Publication(
            output: nil, error: error, counts: RequestCounts(), usage: Usage(), event: .random())
        #expect(try await test.store.publishBatch(duty, publication))
        return batch.id
    }

    private func receivers(of child: BatchID, _ test: TestStore) async throws -> [String: [SealedSecret]] {
        let duty = try await test.takeValidation(of: child)
        #expect(try await test.store.refuseBatch(duty, problems: "[]", event: .random()))
        _ = try await test.store.dispatchEvents(to: StandingReceivers())
        let duties = try await test.claim(by: .random()).filter { $0.event.batch.id == child }
        return Dictionary(uniqueKeysWithValues: duties.map { ($0.kind.rawValue + " " + $0.url, $0.secrets) })
    }

    @Test func `a retry is told where its parent was told, unless the request says otherwise`() async throws {
        let test = try await TestStore()
        let parent = try await parent(test)
        var retry = NewRetry(
            project: test.project, parent: parent, requestSHA256: [UInt8](repeating: 1, count: 32))
        let plain = try await test.store.retryBatch(retry).batch
        #expect(plain.webhookURL == "https://a.example.com/")
        let context = SealedSecret.context(ofBatchesOf: test.project)
        // The parent's own event is told first, so that its receivers are not in doubt when the children's are.
        _ = try await test.store.dispatchEvents(to: StandingReceivers())
        let owner = CoordinatorID.random()
        for duty in try await test.claim(by: owner) { try await test.settle(duty, .delivered, by: owner) }
        #expect(
            try await receivers(of: plain.id, test) == [
                "batch https://a.example.com/": [SealedSecret(bytes: [1, 2], context: context)],
                "callback https://b.example.com/": [],
            ])
        retry.webhook = ("https://c.example.com/", nil)
        retry.metadata = "{}"
        let other = try await test.store.retryBatch(retry).batch
        #expect(try await receivers(of: other.id, test) == ["batch https://c.example.com/": []])
    }
}
