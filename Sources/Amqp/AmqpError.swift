// SPDX-License-Identifier: Apache-2.0

/// Why a message was not confirmed, with everything needed to decide between retry and failure.
///
/// The text names the broker by host and port and never contains a password.
package struct AmqpError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of thing went wrong.
    package enum Code: Sendable, Equatable {
        /// The URL or a limit makes no sense; nothing was tried.
        case invalidConfiguration
        /// The message does not fit the protocol or our limits; nothing was sent.
        case invalidMessage
        /// No connection came about: nobody listens, the name is unknown, TLS failed, or there was no answer in time.
        case unreachable
        /// The broker said no: wrong password, unknown virtual host or exchange, missing permission.
        case refused
        /// The message was mandatory and no queue is bound for it.
        case unroutable
        /// The broker did not take the message (nack), for example because a queue is full and rejects.
        case rejected
        /// No confirm within `publishTimeout`.
        case timedOut
        /// The connection broke before the confirm came.
        case connectionLost
        /// As many messages wait as may wait.
        case overloaded
        /// The publisher was closed.
        case closed
        /// The task that published was cancelled.
        case cancelled
    }

    /// The kind.
    package let code: Code
    /// One sentence: the thing, the place and the way out.
    package let message: String
    /// True when the message was sent and nothing is known about it: it may or may not be in the queues. To send it
    /// again can make a duplicate, not to do so can lose it.
    package let isFateUnknown: Bool

    init(_ code: Code, _ message: String, isFateUnknown: Bool = false) {
        self.code = code
        self.message = message
        self.isFateUnknown = isFateUnknown
    }

    /// True when the same message can be confirmed later, without a change to it or to the publisher.
    package var isRetryable: Bool {
        switch code {
        case .invalidConfiguration, .invalidMessage, .closed: false
        case .unreachable, .refused, .unroutable, .rejected, .timedOut, .connectionLost, .overloaded, .cancelled: true
        }
    }

    /// The message; says so when the fate is unknown.
    package var description: String {
        isFateUnknown ? "\(message); whether the broker has the message is unknown" : message
    }
}
