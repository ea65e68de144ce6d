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
        let outcome = await sender.send(
            event, to: delivery.url, secret: configuration.webhookSecret, now: Int64(Date().timeIntervalSince1970))
        let result = settle(outcome, attempts: Int(delivery.attempts))
        logger.info(
            "webhook attempt",
            metadata: [
                "event": "\(delivery.event)", "type": "\(delivery.type)", "attempt": "\(delivery.attempts)",
                "result": "\(result)",
            ])
        try await store.settleDelivery(delivery, result)
    }

    private func settle(_ outcome: AttemptOutcome, attempts: Int) -> DeliveryResult {
        switch outcome {
        case .delivered(let status):
            return .delivered(status: Int32(status))
        case .gone:
            return .exhausted(status: 410, error: "the receiver answered 410: it wants no more events")
        case .failed(let status, let reason, let retryAfter):
            var generator = SystemRandomNumberGenerator()
            let wait = configuration.deliverySchedule.wait(
                afterAttempts: attempts, asked: retryAfter, using: &generator)
            let code = status.map(Int32.init)
            guard let wait else { return .exhausted(status: code, error: reason) }
            return .again(after: wait, status: code, error: reason)
        }
    }
}
