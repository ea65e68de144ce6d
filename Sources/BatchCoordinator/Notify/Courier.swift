// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
package import BatchStore
package import BatchWebhook
internal import Foundation
internal import Logging
package import Sealing

/// Makes one attempt of a delivery and decides what follows from it. (contracts: webhook attempt policy)
struct Courier: Sendable {
    let sender: WebhookSender
    let configuration: NotifyConfiguration
    let logger: Logger

    /// Longest time that a receiver may ask to be left alone.
    private static let holdMax = Duration.seconds(3_600)

    /// Attempts a delivery once; nil when the attempt was broken off by this side.
    func attempt(_ duty: DeliveryDuty) async -> DeliverySettlement? {
        let report = await deliver(duty)
        if report.verdict == .interrupted { return nil }
        let settlement = settle(duty, report)
        var metadata: Logger.Metadata = [
            "event": "\(duty.event.id)", "type": "\(duty.event.type.rawValue)", "target": "\(duty.target)",
            "attempt": "\(duty.attempts)", "result": "\(settlement.sequel)",
        ]
        if let status = report.status { metadata["status"] = "\(status)" }
        if let reason = report.reason { metadata["error"] = "\(reason)" }
        if let address = report.refusedAddress { metadata["refused_address"] = "\(address)" }
        logger.log(level: settlement.sequel == .delivered ? .info : .notice, "delivery attempt", metadata: metadata)
        return settlement
    }

    private func deliver(_ duty: DeliveryDuty) async -> AttemptReport {
        if duty.kind == .sink {
            guard let sink = configuration.sinks[duty.url] else {
                return AttemptReport(
                    verdict: .failed,
                    reason: "this coordinator knows no sink named '\(duty.url)'; is its configuration out of date?")
            }
            return await sink.publish(duty.event)
        }
        let secrets: [WebhookSecret]
        do throws(SecretFault) {
            secrets = try self.secrets(of: duty)
        } catch {
            return AttemptReport(verdict: .failed, reason: error.description)
        }
        let body = duty.kind == .callback ? duty.event.batch.batchObject : duty.event.eventObject
        return await sender.send(
            id: duty.event.id.rawValue, body: body.bytes, to: duty.url, secrets: secrets,
            now: Int64(Date().timeIntervalSince1970), trust: duty.kind == .server ? .configured : .tenant)
    }

    private func secrets(of duty: DeliveryDuty) throws(SecretFault) -> [WebhookSecret] {
        switch duty.kind {
        case .server, .callback:
            return configuration.serverSecret.map { [$0] } ?? []
        case .endpoint, .batch, .sink:
            return try duty.secrets.map { (sealed) throws(SecretFault) in
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
        // A broker is never given up: whoever runs it may put it back.
        case .gone where duty.kind != .sink: settlement.sequel = .exhausted
        case .gone, .throttled, .failed, .interrupted:
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
package struct SecretFault: Error, CustomStringConvertible {
    /// For operators.
    package let description: String
}

extension WebhookSecret {
    /// Opens a secret that the database keeps.
    package init(unsealing sealed: SealedSecret, with key: SealingKey?) throws(SecretFault) {
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
