// SPDX-License-Identifier: Apache-2.0

/// Publishes messages to an AMQP 0-9-1 broker with publisher confirms.
///
/// Connects when there is something to publish and keeps the connection; after a loss it connects again by itself.
/// Publishes of many tasks share one channel, so that `AmqpConfiguration.inFlightMax` of them wait for the broker at
/// once. The guarantee is at-least-once: when `publish` returned, the broker has taken responsibility for the message;
/// when it threw, the caller publishes again, with the same message id.
///
/// Two threads of its own serve it: one makes the blocking calls of librabbitmq, one watches the deadlines, so that
/// they hold even while the first is stuck in a call.
package final class AmqpPublisher: Sendable {
    private let core: PublisherCore

    /// Starts the threads; connects only when something is published. Throws `invalidConfiguration`.
    package init(_ configuration: AmqpConfiguration) throws(AmqpError) {
        let core = try PublisherCore(configuration)
        self.core = core
        try OwnThread.start(name: "amqp-talk") { PublisherLoop(core).run() }
        do throws(AmqpError) {
            try OwnThread.start(name: "amqp-watch") { core.watchDeadlines() }
        } catch {
            core.abandon()
            throw error
        }
    }

    deinit { core.abandon() }

    /// Publishes a message; returns when the broker has confirmed it. Safe to call from many tasks at once.
    ///
    /// Throws within `publishTimeout`, see `AmqpError.Code`; `isFateUnknown` says whether the broker may have the
    /// message nevertheless. A message of a cancelled task may still be published.
    package func publish(_ message: AmqpMessage) async throws(AmqpError) {
        try message.check(bodyBytesMax: core.configuration.bodyBytesMax)
        let core = core
        let ticket = core.issueTicket()
        let verdict = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                core.enter(message, ticket: ticket) { continuation.resume(returning: $0) }
            }
        } onCancel: {
            core.cancel(ticket)
        }
        try verdict.get()
    }

    /// Takes no new messages, waits until those taken are confirmed and the connection is closed, for at most
    /// `deadline`; what is left then fails with `closed`. Safe to call more than once.
    package func close(within deadline: Duration) async {
        await core.close(by: .now + deadline)
    }

    /// What the publisher does at the moment.
    package var status: AmqpStatus { core.status }
}
