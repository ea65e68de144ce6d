// SPDX-License-Identifier: Apache-2.0
package import BatchCore

/// What one attempt came to. Waiting between attempts is the caller's business, so that no slot idles.
package enum AttemptResult: Sendable {
    /// The line has its result.
    case finished(Outcome)
    /// Try again after a wait; `because` is for the log.
    case again(after: Duration, because: String)
    /// The batch's window ended first; there is nothing to record.
    case windowOver
    /// The task was cancelled, or the engine shut down: says nothing about the line.
    case aborted
}

/// Makes one attempt at a line. The protocol lets a worker be tested without a network.
package protocol LineCalling: Sendable {
    /// Sends `request` along `route` at `place`, which it gives up before it returns. Cancelling the task aborts it.
    func attempt(_ request: LineRequest, along route: Route, at place: Reservation) async -> AttemptResult
}
