// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchStore
internal import BatchWebhook
internal import Foundation
internal import Logging

/// The Notify room: turns outbox events into deliveries and attempts those that are due.
///
/// An event row is committed with the terminal status, so a crash loses and invents nothing; a delivery is attempted by
/// one coordinator at a time, under a lease; what it tells of is downloadable before the first attempt.
struct WebhookDeliverer: Sendable {
    let store: Store
    let owner: CoordinatorID
    let sender: WebhookSender
    let configuration: CoordinatorConfiguration
    let logger: Logger

    /// An attempt ends long before its lease does.
    private static let lease = Duration.seconds(60)

    /// One bounded pass: zero means that more may be due at once.
    func poll() async throws -> Duration? {
        let dispatched = try await store.dispatchEvents(urls: configuration.webhookURL.map { [$0] } ?? [])
        let due = try await store.claimDeliveries(
            owner: owner, limit: configuration.deliveriesMax, lease: Self.lease)
        try await withThrowingDiscardingTaskGroup { group in
            for delivery in due {
                group.addTask { try await attempt(delivery) }
            }
        }
        return dispatched + due.count > 0 ? .zero : nil
    }

    private func attempt(_ delivery: DeliveryDuty) async throws {
        let event = WebhookEvent(
            id: delivery.event, type: delivery.type, batch: delivery.batch, createdAt: delivery.createdAt)
        let report = await sender.send(
            id: event.id.rawValue, body: event.body, to: delivery.url,
            secrets: configuration.webhookSecret.map { [$0] } ?? [], now: Int64(Date().timeIntervalSince1970),
            trust: .configured)
        let result = settle(report, attempts: Int(delivery.attempts))
        logger.info(
            "webhook attempt",
            metadata: [
                "event": "\(delivery.event)", "type": "\(delivery.type)", "attempt": "\(delivery.attempts)",
                "result": "\(result)",
            ])
        try await store.settleDelivery(delivery, result)
    }

    private func settle(_ report: AttemptReport, attempts: Int) -> DeliveryResult {
        let status = report.status.map(Int32.init)
        let reason = report.reason ?? ""
        switch report.verdict {
        case .delivered:
            return .delivered(status: status ?? 200)
        case .gone:
            return .exhausted(status: status, error: reason)
        case .throttled, .failed, .interrupted:
            var generator = SystemRandomNumberGenerator()
            let wait = configuration.deliverySchedule.wait(
                afterAttempts: attempts, asked: report.retryAfter, using: &generator)
            guard let wait else { return .exhausted(status: status, error: reason) }
            return .again(after: wait, status: status, error: reason)
        }
    }
}
