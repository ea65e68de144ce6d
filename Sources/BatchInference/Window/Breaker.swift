// SPDX-License-Identifier: Apache-2.0

/// Keeps calls away from a backend that fails again and again. No clock, no lock.
///
/// closed → open: so many failures without an answer between them, or a failed health check.
/// open → half-open: the pause is over; one call is let through, the probe.
/// half-open → closed: any answer. half-open → open: the probe fails; the pause doubles.
package struct Breaker: Sendable {
    private enum State {
        case closed
        case open(until: ContinuousClock.Instant)
        /// The probe is under way; it might have started at `from`.
        case halfOpen(from: ContinuousClock.Instant)
    }

    /// Pause after the first failure in a row of pauses.
    package static let pauseFirst = Duration.seconds(1)

    private let failuresMax: Int
    private let pauseMax: Duration
    private var state = State.closed
    private var failures = 0
    private var pause = Breaker.pauseFirst

    /// Opens after `failures` of them, at least 1, for at most `pauseMax` at a time.
    package init(failures: Int, pauseMax: Duration) {
        failuresMax = max(failures, 1)
        self.pauseMax = max(pauseMax, Self.pauseFirst)
    }

    /// Whether every call may pass.
    package var isClosed: Bool {
        if case .closed = state { return true }
        return false
    }

    /// Whether a call may pass now; when the breaker is not closed it would be the probe.
    package func admits(at now: ContinuousClock.Instant) -> Bool {
        switch state {
        case .closed: true
        case .open(let until): now >= until
        case .halfOpen: false
        }
    }

    /// When time alone lets the probe through; nil when it has done so, or never will.
    package var opensAt: ContinuousClock.Instant? {
        if case .open(let until) = state { return until }
        return nil
    }

    /// A call that was admitted starts; returns whether it is the probe.
    package mutating func begin() -> Bool {
        guard case .open(let until) = state else { return false }
        state = .halfOpen(from: until)
        return true
    }

    /// A call was answered, be it with a refusal: the backend lives. Returns whether that closed the breaker.
    package mutating func succeed() -> Bool {
        let wasClosed = isClosed
        state = .closed
        failures = 0
        pause = Self.pauseFirst
        return !wasClosed
    }

    /// A call failed.
    package mutating func fail(isProbe: Bool, at now: ContinuousClock.Instant) {
        failures += 1
        switch state {
        case .closed where failures >= failuresMax:
            state = .open(until: now + pause)
        case .halfOpen where isProbe:
            pause = min(pause * 2, pauseMax)
            state = .open(until: now + pause)
        case .closed, .open, .halfOpen:
            break
        }
    }

    /// A call ended without saying anything; when it was the probe, another may follow at once.
    package mutating func abandon(isProbe: Bool) {
        guard isProbe, case .halfOpen(let from) = state else { return }
        state = .open(until: from)
    }

    /// Opens at once: something else found out that the backend is away.
    package mutating func trip(at now: ContinuousClock.Instant) {
        guard case .closed = state else { return }
        state = .open(until: now + pause)
    }

    /// Lets the probe through at once: something else found out that the backend is back.
    package mutating func relent(at now: ContinuousClock.Instant) {
        guard case .open = state else { return }
        state = .open(until: now)
    }
}
