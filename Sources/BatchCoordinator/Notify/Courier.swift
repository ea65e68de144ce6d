// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchStore
internal import BatchWebhook
internal import Foundation
internal import Logging
internal import Sealing

/// Makes one attempt of a delivery and decides what follows from it. (contracts: webhook attempt policy)
struct Courier: Sendable {
    let sender: WebhookSender
    let configuration: NotifyConfiguration
    let logger: Logger

    /// Longest time that a receiver may ask to be left alone.
    private static let holdMax = Duration.seconds(3_600)

    /// Attempts a delivery once.
    func attempt(_ duty: DeliveryDuty) async -> DeliverySettlement {
        let report = await deliver(duty)
        let settlement = settle(duty, report)
        logger.log(
            level: settlement.sequel == .delivered ? .info : .notice, "delivery attempt",
            metadata: [
                "event": "\(duty.event.id)", "type": "\(duty.event.type.rawValue)", "target": "\(duty.target)",
                "attempt": "\(duty.attempts)", "result": "\(settlement.sequel)",
                "status": "\(report.status.map(String.init) ?? "none")", "error": "\(report.reason ?? "")",
            ])
        return settlement
    }

    private func deliver(_ duty: DeliveryDuty) async -> AttemptReport {
        if duty.kind == .sink {
            guard let sink = configuration.sinks[duty.url] else {
                return AttemptReport(
                    failure: "this coordinator knows no sink named '\(duty.url)'; is its configuration out of date?")
            }
            return await sink.publish(duty.event)
        }
        do throws(SecretFault) {
            let secrets = try secrets(of: duty)
            let body = duty.kind == .callback ? duty.event.batch.batchObject : duty.event.eventObject
            return await sender.send(
                WebhookMessage(id: duty.event.id.rawValue, body: body.bytes, secrets: secrets), to: duty.url,
                now: Int64(Date().timeIntervalSince1970),
                rule: duty.kind == .server ? configuration.serverRule : configuration.tenantRule)
        } catch {
            return AttemptReport(failure: error.description)
        }
    }

    private func secrets(of duty: DeliveryDuty) throws(SecretFault) -> [WebhookSecret] {
        switch duty.kind {
        case .server, .callback: configuration.serverSecret.map { [$0] } ?? []
        case .endpoint, .batch, .sink: try duty.secrets.map { (sealed) throws(SecretFault) in
            try WebhookSecret(unsealing: sealed, with: configuration.sealingKey)
        }
        }
    }

    private func settle(_ duty: DeliveryDuty, _ report: AttemptReport) -> DeliverySettlement {
        var settlement = DeliverySettlement(
            duty: duty, sequel: .delivered, statusCode: report.status.map { Int32(clamping: $0) },
            latency: report.latency, error: report.reason, answer: report.answer.isEmpty ? nil : report.answer)
        switch report.verdict {
        case .delivered: break
        case .gone where duty.kind == .endpoint: settlement.sequel = .gone
        case .gone: settlement.sequel = .exhausted
        case .throttled, .failed:
            let schedule = duty.kind == .sink ? configuration.sinkSchedule : configuration.schedule
            var generator = SystemRandomNumberGenerator()
            let wait = schedule.wait(
                afterAttempts: Int(duty.roundAttempts), asked: report.retryAfter, using: &generator)
            settlement.sequel = wait.map { .again(after: $0) } ?? .exhausted
            if report.verdict == .throttled { settlement.hold = min(report.retryAfter ?? .zero, Self.holdMax) }
        }
        return settlement
    }
}

/// Why something cannot be signed.
struct SecretFault: Error, CustomStringConvertible {
    let description: String
}

extension WebhookSecret {
    /// Opens a secret that the database keeps.
    init(unsealing sealed: SealedSecret, with key: SealingKey?) throws(SecretFault) {
        guard let key else {
            throw SecretFault(
                description: "the secret cannot be read: this coordinator has no sealing_key; set the same everywhere")
        }
        let text: [UInt8]
        do {
            text = try key.open(sealed.bytes, context: sealed.context)
        } catch {
            throw SecretFault(description: "the secret cannot be read: \(error)")
        }
        guard let secret = WebhookSecret(String(decoding: text, as: UTF8.self)) else {
            throw SecretFault(description: "the secret is no webhook secret")
        }
        self = secret
    }
}
