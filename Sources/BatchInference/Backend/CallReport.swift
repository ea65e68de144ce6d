// SPDX-License-Identifier: Apache-2.0

/// What the end of a call says about its backend, whatever it means for the line.
package enum CallReport: Hashable, Sendable {
    /// A complete answer that is no overload: 2xx, or 4xx other than 408 and 429. `latency` is from the call's start
    /// to the answer's last byte; `tokens` is what the answer's usage says in total, 0 when it says nothing.
    case answered(latency: Duration, tokens: Int)
    /// The backend refused: 429 or 503. `retryAfter` is how long it asked to be left alone.
    case overloaded(retryAfter: Duration?)
    /// One of the call's time limits ran out.
    case timedOut
    /// An answer that no backend in order gives: another 5xx, or something that is not what it claims to be.
    case faulty
    /// No connection, or it broke before the answer was complete.
    case unreachable
    /// Ended by this side: says nothing.
    case aborted
}
