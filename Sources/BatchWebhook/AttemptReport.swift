// SPDX-License-Identifier: Apache-2.0

/// What one attempt to deliver came to, before anybody decides on the next. (contracts: webhook attempt policy)
package struct AttemptReport: Sendable, Equatable {
    /// What follows from it for the delivery.
    package enum Verdict: String, Sendable {
        /// The receiver answered 2xx.
        case delivered
        /// The receiver does not want it, ever (410).
        case gone
        /// The receiver, or a gateway before it, is overloaded (429, 502, 503, 504): later, and fewer at once.
        case throttled
        /// Anything else that went wrong: worth another attempt.
        case failed
        /// This side gave up, because it is stopping: says nothing about the receiver and does not count.
        case interrupted
    }

    /// What follows.
    package var verdict: Verdict
    /// The receiver's status; nil when there was no answer.
    package var status: Int?
    /// From the start of the attempt to its end.
    package var latency: Duration
    /// The first bytes of the answer's body, at most `answerBytesMax`; a body that ended early is kept as far as it
    /// came.
    package var answer: [UInt8]
    /// What went wrong, one sentence for people that reveals no address of this service's network; nil when delivered.
    package var reason: String?
    /// How long the receiver asks to be left alone (`Retry-After` of a throttled attempt), 0 s to a day; nil when it
    /// does not.
    package var retryAfter: Duration?
    /// The address that may not be connected to, for the operator's log only; nil unless that was the reason.
    package var refusedAddress: String?

    /// Most bytes of `answer`.
    package static let answerBytesMax = 512
    /// Longest wish of a receiver that is listened to.
    package static let retryAfterMax = Duration.seconds(86_400)

    /// A report; also made by tests of callers.
    package init(
        verdict: Verdict, status: Int? = nil, latency: Duration = .zero, answer: [UInt8] = [], reason: String? = nil,
        retryAfter: Duration? = nil, refusedAddress: String? = nil
    ) {
        self.verdict = verdict
        self.status = status
        self.latency = latency
        self.answer = answer
        self.reason = reason
        self.retryAfter = retryAfter
        self.refusedAddress = refusedAddress
    }
}
