// SPDX-License-Identifier: Apache-2.0

/// How many calls a backend may have in flight for one model and endpoint: found out by trying. No clock, no lock.
///
/// It grows by one with each answer, which doubles it in every round trip, until one of three signals:
/// - A refusal (429, 503). It takes one place away; as refusals come back at once, what is left after a burst is what
///   was accepted. That becomes the *limit*.
/// - A timeout halves it, once for all calls in flight.
/// - Latency that has grown in proportion to the calls in flight (see ``LatencyGradient``).
///
/// At a limit it rests for a while, then tries one more, two more, four more as long as that succeeds.
package struct ConcurrencyWindow: Sendable {
    private let rules: WindowRules
    /// Calls allowed in flight, `floor…ceiling` of the rules.
    package private(set) var size: Int
    /// Calls in flight; above ``size`` for a while after it fell.
    package private(set) var inFlight = 0
    /// The largest size known to be accepted once a larger one was not; nil until the first signal.
    package private(set) var limit: Int?
    /// Nothing may start before: not even ``WindowRules/floor`` calls were accepted. Nil: no such pause.
    package private(set) var quietUntil: ContinuousClock.Instant?

    /// Most calls in flight at once since the last refusal.
    private var peak = 0
    private var nextNumber = 0
    private var gradient: LatencyGradient
    /// By how much ``limit`` is exceeded in a try; 0 when none is under way.
    private var step = 0
    /// Refusals of calls beyond ``limit`` in the present try.
    private var refusedInTry = 0
    /// Calls from this number on have to do with the present try.
    private var tryFrom = 0
    private var hold = WindowRules.holdFirst
    private var holdUntil: ContinuousClock.Instant?
    /// Timeouts of calls below this number have been answered with a cut.
    private var cutBefore = 0
    /// Refusals weigh much, answers take a little away: tells one refusal in a hundred from a limit.
    private var strain = 0
    private var quietRounds = 0

    /// A window that knows nothing yet.
    package init(_ rules: WindowRules) {
        self.rules = rules
        size = rules.start
        gradient = LatencyGradient(tolerance: rules.tolerance, first: 0, size: rules.start)
    }

    /// Calls that may start now, as far as this window is concerned.
    package func room(at now: ContinuousClock.Instant) -> Int {
        if let quietUntil, now < quietUntil { return 0 }
        return max(size - inFlight, 0)
    }

    /// A call starts. Whether there is room was asked before.
    package mutating func begin() -> CallTicket {
        inFlight += 1
        peak = max(peak, inFlight)
        let ticket = CallTicket(number: nextNumber, crowd: inFlight)
        nextNumber += 1
        gradient.start(ticket)
        return ticket
    }

    /// A call did not take place after all.
    package mutating func cancel(_ ticket: CallTicket) {
        inFlight -= 1
        gradient.drop(ticket)
    }

    /// A call ended.
    package mutating func end(_ ticket: CallTicket, _ report: CallReport, at now: ContinuousClock.Instant) {
        let wasUsed = inFlight * 4 >= size * 3
        inFlight -= 1
        switch report {
        case .answered(let latency, _):
            strain = max(strain - 1, 0)
            quietRounds = 0
            quietUntil = nil
            let seconds = latency.seconds
            let advice = gradient.end(ticket, seconds: seconds, size: size, limit: limit, next: nextNumber)
            if let advice {
                follow(advice, at: now)
            } else if wasUsed && !gradient.isSlow(seconds) {
                grow(after: ticket, at: now)
            }
        case .overloaded(let pause):
            gradient.drop(ticket)
            shrink(after: ticket, pause: pause, at: now)
        case .timedOut:
            gradient.drop(ticket)
            if ticket.number >= cutBefore { cut(to: size / 2, at: now) }
        case .faulty, .unreachable, .aborted:
            gradient.drop(ticket)
        }
    }

    /// Forgets what was found out: the backend was away and may have come back as another one.
    package mutating func restart() {
        var fresh = ConcurrencyWindow(rules)
        fresh.inFlight = inFlight
        fresh.peak = inFlight
        fresh.nextNumber = nextNumber
        fresh.cutBefore = nextNumber
        fresh.gradient = LatencyGradient(tolerance: rules.tolerance, first: nextNumber, size: rules.start)
        self = fresh
    }

    // MARK: Growing

    private mutating func grow(after ticket: CallTicket, at now: ContinuousClock.Instant) {
        guard size < rules.ceiling else { return }
        guard let limit, size >= limit else {
            size += 1
            return
        }
        if step == 0 {
            if let holdUntil, now < holdUntil { return }
            step = 1
        } else {
            // An answer to a call that filled the window proves the whole step.
            guard ticket.number >= tryFrom, ticket.crowd >= size else { return }
            self.limit = size
            hold = WindowRules.holdFirst
            step = min(step * 2, size)
        }
        size = min(size + step, rules.ceiling)
        tryFrom = nextNumber
        refusedInTry = 0
    }

    // MARK: Shrinking

    private mutating func shrink(after ticket: CallTicket, pause: Duration?, at now: ContinuousClock.Instant) {
        if ticket.crowd <= rules.floor { rest(at: now) }
        strain = min(strain + Self.refusalWeight, Self.strainMax)
        // One refusal in a hundred is chance. One that stops all calls is believed at once.
        let isChance = pause == nil && strain < Self.strainMax
        if step > 0 {
            failTry(ticket, isChance: isChance, at: now)
        } else {
            giveUpPlace()
            // After chance the window returns to its limit with the next answers.
            if !isChance && size < limit ?? .max { settle(at: now) }
        }
        if let pause { holdUntil = now + max(hold, pause * WindowRules.holdPerPause) }
    }

    private mutating func failTry(_ ticket: CallTicket, isChance: Bool, at now: ContinuousClock.Instant) {
        if isChance {
            guard ticket.crowd > limit ?? 0 else { return }
            refusedInTry += 1
            guard refusedInTry > 1 else { return }
        }
        giveUpPlace()
        hold = min(hold * 2, WindowRules.holdMax)
        settle(at: now)
    }

    /// The place of a refused call is one that the backend does not have. Counted from the most that was in flight, so
    /// that neither unused places nor answers that wait for their successors matter.
    private mutating func giveUpPlace() {
        size = max(min(size, peak) - 1, rules.floor)
        peak = size
    }

    /// A refusal weighs as much as so many answers.
    private static let refusalWeight = 32
    /// Refusals that weigh so much together are no chance.
    private static let strainMax = 4 * refusalWeight

    private mutating func rest(at now: ContinuousClock.Instant) {
        let pause = min(WindowRules.quietFirst * (1 << min(quietRounds, 10)), WindowRules.quietMax)
        quietRounds += 1
        quietUntil = now + pause
    }

    private mutating func cut(to target: Int, at now: ContinuousClock.Instant) {
        size = max(min(target, size), rules.floor)
        cutBefore = nextNumber
        settle(at: now)
        gradient.restart(first: nextNumber, size: size)
    }

    /// Takes the present size for the limit.
    private mutating func settle(at now: ContinuousClock.Instant) {
        limit = size
        step = 0
        holdUntil = now + hold
    }

    private mutating func follow(_ advice: LatencyGradient.Advice, at now: ContinuousClock.Instant) {
        switch advice {
        case .shrink(let target):
            cut(to: target, at: now)
        case .restore(let former, let formerLimit):
            size = min(max(former, size), rules.ceiling)
            limit = formerLimit
            step = 0
            gradient.restart(first: nextNumber, size: size)
        }
    }
}

extension Duration {
    /// In seconds, to about the precision of a `Double`.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
