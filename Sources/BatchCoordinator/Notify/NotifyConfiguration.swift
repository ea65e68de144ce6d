// SPDX-License-Identifier: Apache-2.0

internal import BatchStore
package import BatchWebhook
package import Sealing

/// Settings of the Notify room.
package struct NotifyConfiguration: Sendable {
    /// The operator's receiver for all projects; nil for none.
    package var serverURL: String?
    /// The secret that signs what it is sent; nil sends it unsigned. Bailian callbacks are signed with it too.
    package var serverSecret: WebhookSecret?
    /// Message brokers by name.
    package var sinks: [String: any EventSink]
    /// Opens the secrets of endpoints and batches; nil when the operator gave none, then there are no such secrets.
    package var sealingKey: SealingKey?
    /// When failed webhook deliveries are attempted again.
    package var schedule: DeliverySchedule
    /// When failed deliveries to brokers are attempted again: for ever.
    package var sinkSchedule: DeliverySchedule
    /// Attempts under way at once. A quarter of them is kept for receivers whose last attempt succeeded. Default 2,048.
    package var attemptsMax: Int
    /// Attempts under way at once to one receiver, 1 when its last attempt failed or there was none. Default 8.
    package var attemptsPerTargetMax: Int
    /// An endpoint whose attempts all fail for this long is disabled. Default 5 days.
    package var disableAfter: Duration
    /// Events are kept this long for consumers and replays. Default 30 days.
    package var retention: Duration
    /// At the end, how long attempts under way may take before they are broken off. Default 5 s.
    package var drainDeadline: Duration

    /// The defaults.
    package init() {
        serverURL = nil
        serverSecret = nil
        sinks = [:]
        sealingKey = nil
        schedule = .webhook
        sinkSchedule = .sink
        attemptsMax = 2_048
        attemptsPerTargetMax = 8
        disableAfter = .seconds(5 * 86_400)
        retention = .seconds(30 * 86_400)
        drainDeadline = .seconds(5)
    }

    /// Who is told of every event.
    var standing: StandingReceivers {
        StandingReceivers(serverURL: serverURL, sinks: sinks.keys.sorted())
    }

    /// Attempts kept for receivers whose last one succeeded.
    var healthyReserve: Int { max(attemptsMax / 4, 1) }
}
