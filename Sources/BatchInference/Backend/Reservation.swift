// SPDX-License-Identifier: Apache-2.0

/// A place for one call. Given up exactly once: with ``end(_:at:)`` by the call that used it, else with ``cancel()``.
package struct Reservation: Sendable {
    /// Who is called; nil for the test model.
    let stop: Route.Stop?
    /// What the backend must know again at the call's end.
    let entry: Admission.Entry

    /// Place of the backend among those of its route, to be passed to `reserve(avoiding:at:)` after a failure; nil for
    /// the test model.
    package var stopIndex: Int? { stop?.index }

    /// Gives the place up without a call.
    package func cancel() {
        guard let stop else { return }
        stop.backend.cancel(entry, of: stop)
    }

    /// The call made with this place ended at `now`.
    ///
    /// - Parameter isRepeat: whether its line failed before, so that another failure says more of the line than of the
    ///   backend.
    package func end(_ report: CallReport, isRepeat: Bool = false, at now: ContinuousClock.Instant) {
        guard let stop else { return }
        stop.backend.end(entry, of: stop, report, isRepeat: isRepeat, at: now)
    }
}
