// SPDX-License-Identifier: Apache-2.0
package import BatchCore

/// What one attempt came to. Waiting between attempts is the caller's business, so that no place for a call idles.
package enum AttemptResult: Sendable {
    /// The line has its result.
    case finished(Outcome)
    /// Try again after a wait.
    case again(RetryOrder)
    /// The batch's window ended first; there is nothing to record.
    case windowOver
    /// The call was aborted, or the engine shut down: says nothing about the line.
    case aborted
}

/// How a line goes on after an attempt that failed.
package struct RetryOrder: Hashable, Sendable {
    /// Wait so long.
    package var after: Duration
    /// What went wrong, for the log and the line's record.
    package var because: String
    /// Whether the attempt is one of those that the backend's `attemptsMax` allows. One that never reached a backend
    /// is not: a replica that is down costs no line its attempts.
    package var isCounted: Bool
    /// Which stop of the route failed, so that the next attempt goes elsewhere if it can.
    package var stop: Int?
    /// Whether there was a try at all. Where not, the line is as it was before: its number of attempts and the error of
    /// the last one stay.
    package var isTry: Bool
    /// The form of an audio line, to be passed on in ``LineRequest/upload`` when the line is started again. Holds the
    /// file's bytes: it must go when the line does.
    package var upload: LineUpload?

    /// An order to try again.
    package init(
        after: Duration, because: String, isCounted: Bool = true, stop: Int? = nil, isTry: Bool = true,
        upload: LineUpload? = nil
    ) {
        self.after = after
        self.because = because
        self.isCounted = isCounted
        self.stop = stop
        self.isTry = isTry
        self.upload = upload
    }
}

/// Makes one attempt at a line. The protocol lets a worker be tested without a network.
package protocol LineCalling: Sendable {
    /// Starts sending `request` to `place`, which it gives up before the result is told; `call` aborts it.
    ///
    /// Returns the result when it is known at once (the test model, a window that is over); else nil, and `done` is
    /// called exactly once later, on a thread where it must not wait.
    func start(
        _ request: LineRequest, at place: Reservation, as call: CallHandle,
        _ done: @escaping @Sendable (AttemptResult) -> Void
    ) -> AttemptResult?

    /// Room for the files of audio lines: while there is none, starting such a line without its form is of no use. Nil
    /// when that need not be asked.
    var files: FileBudget? { get }
}

extension LineCalling {
    /// Nothing to ask.
    package var files: FileBudget? { nil }
}
