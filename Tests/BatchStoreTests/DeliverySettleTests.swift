// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct DeliverySettleTests {
    private let owner = CoordinatorID.random()

    private func pause(_ test: TestStore) async throws -> Int64 {
        try await test.number(
            "select round(extract(epoch from held_until - clock_timestamp())) from delivery_targets")
    }

    @Test func `a delivery and its attempts are recorded until it is taken`() async throws {
        let test = try await TestStore()
        let endpoint = try await test.endpoint()
        _ = try await test.dispatched()
        let duty = try #require(try await test.claim(by: owner).first)
        try await test.settle(duty, .again(after: .seconds(300)), by: owner)
        let waiting = try await test.onlyDelivery()
        #expect(waiting.status == .pending && waiting.attempts == 1 && waiting.lastStatusCode == 500)
        #expect(waiting.lastLatency == 25 && waiting.lastError == "the receiver answered 500")
        #expect(waiting.nextAttemptAt.map { (290...310).contains($0 - waiting.createdAt) } == true)
        #expect(try await test.claim(by: owner).isEmpty)
        let failing = try await test.store.findEndpoint(endpoint.id, project: test.project)
        #expect(failing?.failingSince != nil && failing?.disabledReason == nil)
        try await test.passTime()
        let second = try #require(try await test.claim(by: owner).first)
        #expect(second.attempts == 2 && second.roundAttempts == 2 && second.event == duty.event)
        try await test.settle(second, .delivered, by: owner)
        let (delivery, log) = try #require(
            try await test.store.findDelivery(waiting.id, project: test.project))
        #expect(delivery.status == .delivered && delivery.settledAt != nil && delivery.nextAttemptAt == nil)
        #expect(delivery.attempts == 2 && delivery.lastStatusCode == 204 && delivery.lastError == nil)
        #expect(log.map(\.number) == [1, 2] && log.map(\.statusCode) == [500, 204])
        #expect(log.map(\.error) == ["the receiver answered 500", nil] && log.map(\.latency) == [25, 25])
        #expect(log.allSatisfy { $0.answer == Array("answer".utf8) && $0.at >= delivery.createdAt - 1 })
        #expect(try await test.store.findEndpoint(endpoint.id, project: test.project)?.failingSince == nil)
        try await test.passTime()
        #expect(try await test.claim(by: owner).isEmpty)
    }

    @Test func `only the latest attempt of the owner counts`() async throws {
        let test = try await TestStore()
        _ = try await test.endpoint()
        _ = try await test.dispatched()
        let stale = try #require(try await test.claim(by: owner).first)
        try await test.tamper("update deliveries set owner_until = clock_timestamp() - interval '1 second'")
        let current = try #require(try await test.claim(by: owner).first)
        try await test.settle(stale, .exhausted, by: owner)
        try await test.settle(current, .exhausted, by: .random())
        #expect(try await test.onlyDelivery().status == .pending)
        try await test.settle(current, .delivered, by: owner)
        try await test.settle(current, .delivered, by: owner)
        try await test.settle(stale, .again(after: .zero), by: owner)
        let delivery = try await test.onlyDelivery()
        #expect(delivery.status == .delivered && delivery.attempts == 2)
        let log = try await test.store.findDelivery(delivery.id, project: test.project)?.log
        #expect(log?.map(\.number) == [2])
    }

    @Test func `the pause of a failing target doubles up to a minute, and one success ends it`() async throws {
        let test = try await TestStore()
        _ = try await test.dispatched(1, webhook: "https://example.com/")
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            let duty = try #require(try await test.claim(by: owner).first)
            try await test.settle(duty, .again(after: .zero), by: owner)
            #expect(abs(try await pause(test) - Int64(expected)) <= 1)
            #expect(try await test.claim(by: owner).isEmpty)
            try await test.passTime()
        }
        #expect(try await test.number("select failures from delivery_targets") == 8)
        let duty = try #require(try await test.claim(by: owner).first)
        try await test.settle(duty, .delivered, by: owner)
        #expect(try await test.number("select failures from delivery_targets") == 0)
        #expect(try await pause(test) <= 0)
    }

    @Test func `a receiver that asks for a pause gets it`() async throws {
        let test = try await TestStore()
        _ = try await test.dispatched(1, webhook: "https://example.com/")
        let duty = try #require(try await test.claim(by: owner).first)
        try await test.settle(duty, .again(after: .zero), by: owner, status: 429, hold: .seconds(600))
        #expect(abs(try await pause(test) - 600) <= 1)
    }

    @Test func `of attempts that end together one success shows that the receiver lives`() async throws {
        let test = try await TestStore()
        _ = try await test.endpoint()
        _ = try await test.dispatched(3)
        try await test.tamper("update delivery_targets set succeeded_at = clock_timestamp()")
        let duties = try await test.claim(by: owner)
        #expect(duties.count == 3)
        let mixed = zip(duties, [.again(after: .zero), .delivered, .exhausted] as [DeliverySettlement.Sequel])
        #expect(
            try await test.store.settleDeliveries(
                mixed.map { TestStore.settlement($0, $1) }, owner: owner, disableAfter: .zero
            ).isEmpty)
        #expect(try await test.number("select failures from delivery_targets") == 0)
        #expect(Set(try await test.deliveries().map(\.status)) == [.pending, .delivered, .exhausted])
    }

    @Test func `a 410 disables the endpoint and gives up what waits for it`() async throws {
        let test = try await TestStore()
        let endpoint = try await test.endpoint("gone")
        let other = try await test.endpoint("other")
        _ = try await test.dispatched(2)
        let duty = try #require(try await test.claim(by: owner).first { $0.target == endpoint.id.rawValue })
        let disabled = try await test.settle(duty, .gone, by: owner, status: 410)
        #expect(disabled.map(\.endpoint) == [endpoint.id])
        let found = try await test.store.findEndpoint(endpoint.id, project: test.project)
        #expect(found?.disabledReason?.contains("410") == true)
        let given = try await test.deliveries(to: endpoint.id)
        #expect(given.count == 2 && given.allSatisfy { $0.status == .exhausted && $0.settledAt != nil })
        #expect(given.first { $0.attempts == 0 }?.lastError?.contains("410") == true)
        #expect(try await test.store.findEndpoint(other.id, project: test.project)?.disabledReason == nil)
        #expect(try await test.deliveries(to: other.id, status: .pending).count == 2)
        _ = try await test.dispatched()
        #expect(try await test.deliveries(to: endpoint.id).count == 2)
    }

    @Test func `a 410 of an earlier URL does not disable the endpoint`() async throws {
        let test = try await TestStore()
        let endpoint = try await test.endpoint()
        _ = try await test.dispatched()
        let duty = try #require(try await test.claim(by: owner).first)
        var change = EndpointChange()
        change.url = "https://new.example.com/"
        _ = try await test.store.updateEndpoint(endpoint.id, project: test.project, change)
        #expect(try await test.settle(duty, .gone, by: owner, status: 410).isEmpty)
        #expect(try await test.store.findEndpoint(endpoint.id, project: test.project)?.disabledReason == nil)
        let delivery = try await test.onlyDelivery()
        #expect(delivery.status == .pending && delivery.url == change.url && delivery.lastStatusCode == 410)
        let again = try #require(try await test.claim(by: owner).first, "the new URL is tried at once")
        #expect(again.url == change.url)
    }

    @Test func `an endpoint that fails for too long is disabled with the reason`() async throws {
        let test = try await TestStore()
        let endpoint = try await test.endpoint()
        _ = try await test.dispatched(2)
        let first = try #require(try await test.claim(by: owner).first)
        #expect(try await test.settle(first, .again(after: .zero), by: owner).isEmpty)
        try await test.tamper("update delivery_targets set failing_since = '2026-01-02 03:04:05+00'")
        try await test.passTime()
        let second = try #require(try await test.claim(by: owner).first)
        let disabled = try await test.settle(second, .again(after: .zero), by: owner)
        #expect(disabled.map(\.reason) == ["every attempt has failed since 2026-01-02 03:04:05 UTC"])
        #expect(try await test.deliveries(to: endpoint.id, status: .exhausted).count == 2)
        var change = EndpointChange()
        change.isEnabled = true
        let enabled = try await test.store.updateEndpoint(endpoint.id, project: test.project, change)
        #expect(enabled?.disabledReason == nil && enabled?.failingSince == nil)
        _ = try await test.dispatched()
        #expect(try await test.claim(by: owner).count == 1)
    }

    @Test func `receivers that are no endpoints are never disabled`() async throws {
        let test = try await TestStore()
        _ = try await test.dispatched(1, webhook: "https://example.com/")
        let duty = try #require(try await test.claim(by: owner).first)
        #expect(try await test.settle(duty, .exhausted, by: owner, disableAfter: .zero).isEmpty)
        #expect(try await test.onlyDelivery().status == .exhausted)
        _ = try await test.dispatched(1, webhook: "https://example.com/")
        try await test.passTime()
        #expect(try await test.claim(by: owner).count == 1)
    }
}
