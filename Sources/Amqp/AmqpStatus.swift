// SPDX-License-Identifier: Apache-2.0

/// What a publisher does at one moment, for metrics and for operators.
package struct AmqpStatus: Sendable {
    /// Whether a connection stands.
    package let isConnected: Bool
    /// Messages that wait to be sent.
    package let waiting: Int
    /// Messages sent and not confirmed.
    package let inFlight: Int
    /// The most messages that were ever in flight at once.
    package let inFlightPeak: Int
    /// Connections made since the start.
    package let connections: Int
    /// Why the last connection ended or the last attempt failed; nil when none has.
    package let lastFailure: String?
}
