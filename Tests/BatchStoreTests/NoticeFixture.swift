// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting

extension TestStore {
    /// A batch that has ended, which wrote an event: refused by validation, or cancelled before any line was run.
    func ended(
        _ type: EventType = .batchFailed, of owner: ProjectID? = nil, webhook: String? = nil, secret: [UInt8]? = nil,
        callback: String? = nil
    ) async throws -> (batch: BatchID, event: EventID) {
        guard let window = CompletionWindow("24h", range: 1...Int64.max) else { throw TestFault("window") }
        var new = NewBatch(
            project: owner ?? project, inputFileID: "file-none", endpoint: "/v1/chat/completions", window: window,
            requestSHA256: [UInt8](repeating: 0, count: 32))
        new.webhookURL = webhook
        new.webhookSecret = secret
        new.callbackURL = callback
        let batch = try await store.insertBatch(new).batch
        let event = EventID.random()
        switch type {
        case .batchFailed:
            let duty = try await takeValidation(of: batch.id)
            guard try await store.refuseBatch(duty, problems: "[]", event: event) else { throw TestFault("refuse") }
        case .batchCancelled:
            _ = try await store.cancelBatch(batch.id, project: owner ?? project)
            guard let duty = try await store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero),
                duty.lease.batch == batch.id
            else { throw TestFault("nobody offers \(batch.id) for finalization") }
            let publication = Publication(
                output: nil, error: nil, counts: RequestCounts(), usage: Usage(), event: event)
            guard try await store.publishBatch(duty, publication) else { throw TestFault("publish") }
        case .batchCompleted, .batchExpired:
            throw TestFault("no test needs \(type)")
        }
        return (batch.id, event)
    }

    /// A registered receiver; its secret is `name` in bytes.
    func endpoint(
        _ name: String = "receiver", url: String = "https://example.com/hook", of owner: ProjectID? = nil,
        types: [EventType] = EventType.allCases, limit: Int = 100
    ) async throws -> WebhookEndpoint {
        try await store.insertEndpoint(
            WebhookEndpoint(
                id: .random(), project: owner ?? project, name: name, url: url, eventTypes: types,
                secretHint: "whsec_…\(name)", createdAt: 0, updatedAt: 0),
            secret: Array(name.utf8), limit: limit)
    }

    /// Ends `count` batches and makes the deliveries of their events.
    func dispatched(
        _ count: Int = 1, to standing: StandingReceivers = StandingReceivers(), webhook: String? = nil
    ) async throws -> [EventID] {
        var events: [EventID] = []
        for _ in 0..<count { events.append(try await ended(webhook: webhook).event) }
        _ = try await store.dispatchEvents(to: standing)
        return events
    }

    /// Takes what is due.
    func claim(
        by owner: CoordinatorID, all: Int = 1_000, doubtful: Int = 1_000, perTarget: Int = 8,
        lease: Duration = .seconds(60)
    ) async throws -> [DeliveryDuty] {
        try await store.claimDeliveries(
            owner: owner, places: DeliveryPlaces(all: all, doubtful: doubtful, perTarget: perTarget), lease: lease)
    }

    /// Records how one attempt ended.
    @discardableResult
    func settle(
        _ duty: DeliveryDuty, _ sequel: DeliverySettlement.Sequel, by owner: CoordinatorID, status: Int32? = nil,
        hold: Duration = .zero, disableAfter: Duration = .seconds(86_400)
    ) async throws -> [(endpoint: EndpointID, reason: String)] {
        try await store.settleDeliveries(
            [Self.settlement(duty, sequel, status: status, hold: hold)], owner: owner, disableAfter: disableAfter)
    }

    /// How an attempt of 25 ms ended.
    static func settlement(
        _ duty: DeliveryDuty, _ sequel: DeliverySettlement.Sequel, status: Int32? = nil, hold: Duration = .zero
    ) -> DeliverySettlement {
        DeliverySettlement(
            duty: duty, sequel: sequel, hold: hold, statusCode: status ?? (sequel == .delivered ? 204 : 500),
            latency: .milliseconds(25), error: sequel == .delivered ? nil : "the receiver answered 500",
            answer: Array("answer".utf8))
    }

    /// The newest deliveries of the project.
    func deliveries(
        to endpoint: EndpointID? = nil, of batch: BatchID? = nil, event: EventID? = nil, status: DeliveryStatus? = nil
    ) async throws -> [Delivery] {
        var filter = DeliveryFilter()
        (filter.endpoint, filter.batch, filter.event, filter.status) = (endpoint, batch, event, status)
        return try await store.listDeliveries(project: project, filter, after: nil, limit: 1_000).elements
    }

    /// The only delivery of the project.
    func onlyDelivery() async throws -> Delivery {
        let all = try await deliveries()
        guard let only = all.first, all.count == 1 else { throw TestFault("\(all.count) deliveries") }
        return only
    }

    /// Makes every pending delivery due and lets every target be attempted, as time would.
    func passTime() async throws {
        try await tamper(
            """
            update deliveries set next_attempt_at = clock_timestamp() - interval '1 second' where status = 'pending';
            update delivery_targets set held_until = '-infinity';
            """)
    }
}
