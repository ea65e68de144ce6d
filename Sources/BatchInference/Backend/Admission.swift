// SPDX-License-Identifier: Apache-2.0

/// Everything that decides whether a call to a backend may start. A value behind the backend's lock; instants come in.
struct Admission: Sendable {
    /// What a call must give back at its end.
    struct Entry: Sendable {
        /// The call in its window.
        var ticket = CallTicket(number: 0, crowd: 0)
        /// Tokens it was charged for at its start.
        var tokens: Double = 0
        /// Whether it is the breaker's probe.
        var isProbe = false
    }

    /// Tokens that a call is taken to cost before any has been answered.
    static let tokensGuess = 1_000.0

    private let rules: WindowRules
    /// Most calls in flight by configuration.
    private let concurrency: Int
    /// The cap over all workers; nil: there is none.
    private let clusterConcurrency: Int?
    /// Calls in flight to the backend, those of all windows.
    private(set) var inFlight = 0
    /// This worker's part of the cluster-wide cap; nil when there is no such cap.
    private(set) var share: Int?
    /// Most calls in flight while live traffic has precedence; nil: as many as usual.
    private(set) var allowance: Int?
    /// When the last failure-free answer was followed by the first failure; nil while calls are answered.
    private(set) var failingSince: ContinuousClock.Instant?
    /// Whether health checks say that the backend is away.
    private(set) var isDown = false
    private var pausedUntil: ContinuousClock.Instant?
    private var breaker: Breaker
    private var requests: RateGovernor?
    private var tokens: RateGovernor?
    private var tokensEach = Admission.tokensGuess
    private var budget: RetryBudget
    private var windows: [ConcurrencyWindow] = []
    private var freeWindows: [Int] = []

    /// Nothing is in flight, nothing is known. Without a word from the cluster the share of a capped backend is 0.
    init(_ configuration: BackendConfiguration) {
        rules = WindowRules(
            start: configuration.windowStart, floor: configuration.windowFloor, ceiling: configuration.concurrency,
            tolerance: configuration.latencyTolerance)
        concurrency = configuration.concurrency
        clusterConcurrency = configuration.clusterConcurrency
        share = configuration.clusterConcurrency.map { _ in 0 }
        breaker = Breaker(failures: configuration.breakerFailures, pauseMax: configuration.breakerPauseMax)
        requests = configuration.requestsPerMinute.map { RateGovernor(perMinute: $0) }
        tokens = configuration.tokensPerMinute.map { RateGovernor(perMinute: $0) }
        budget = RetryBudget(
            ratio: configuration.retryRatio, perSecond: Double(configuration.retriesPerSecondMin),
            stretchMax: configuration.backoffMax)
    }

    // MARK: Windows

    /// A window for a route's calls; its number is given back with ``closeWindow(_:)``.
    mutating func openWindow() -> Int {
        if let free = freeWindows.popLast() {
            windows[free] = ConcurrencyWindow(rules)
            return free
        }
        windows.append(ConcurrencyWindow(rules))
        return windows.count - 1
    }

    /// The route of this window is gone, and so are its calls.
    mutating func closeWindow(_ window: Int) {
        freeWindows.append(window)
    }

    /// The present size of a window.
    func windowSize(_ window: Int) -> Int { windows[window].size }

    // MARK: Calls

    /// Calls that may start now in a window.
    mutating func room(_ window: Int, at now: ContinuousClock.Instant) -> Int {
        guard !isDown, pausedUntil.map({ now >= $0 }) ?? true, breaker.admits(at: now) else { return 0 }
        var room = min(windows[window].room(at: now), max(cap - inFlight, 0))
        guard room > 0 else { return 0 }
        if !breaker.isClosed { room = 1 }
        if let calls = requests?.available(at: now) { room = min(room, Int(calls)) }
        // Any tokens left allow one more call; its true cost is settled afterwards.
        if let left = tokens?.available(at: now) { room = min(room, Int((left / tokensEach).rounded(.up))) }
        return room
    }

    /// Starts a call; nil when none may start now.
    mutating func begin(_ window: Int, at now: ContinuousClock.Instant) -> Entry? {
        guard room(window, at: now) > 0 else { return nil }
        inFlight += 1
        requests?.take(1)
        let cost = tokens == nil ? 0 : tokensEach
        tokens?.take(cost)
        return Entry(ticket: windows[window].begin(), tokens: cost, isProbe: breaker.begin())
    }

    /// A call did not take place after all.
    mutating func cancel(_ entry: Entry, _ window: Int) {
        inFlight -= 1
        windows[window].cancel(entry.ticket)
        requests?.take(-1)
        tokens?.take(-entry.tokens)
        breaker.abandon(isProbe: entry.isProbe)
    }

    /// A call ended. When its line failed before, another failure is no evidence against the backend: else a few lines
    /// that always fail, the last of their batch, would hold each other up behind an open breaker.
    mutating func end(
        _ entry: Entry, _ window: Int, _ report: CallReport, isRepeat: Bool, at now: ContinuousClock.Instant
    ) {
        inFlight -= 1
        windows[window].end(entry.ticket, report, at: now)
        settleTokens(entry, report)
        switch report {
        case .answered:
            failingSince = nil
            budget.succeed(at: now)
            if breaker.succeed() { restartWindows() }
        case .overloaded(let pause):
            failingSince = failingSince ?? now
            if let pause { pausedUntil = max(pausedUntil ?? now, now + pause) }
            if breaker.succeed() { restartWindows() }
        case .timedOut, .faulty, .unreachable:
            guard !isRepeat else { return breaker.abandon(isProbe: entry.isProbe) }
            failingSince = failingSince ?? now
            breaker.fail(isProbe: entry.isProbe, at: now)
        case .aborted:
            breaker.abandon(isProbe: entry.isProbe)
        }
    }

    /// When time alone makes room in a window; nil when that takes something else, `now` when there is room already.
    mutating func opensAt(_ window: Int, at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        guard !isDown, inFlight < cap, windows[window].inFlight < windows[window].size else { return nil }
        var opening = max(now, pausedUntil ?? now, windows[window].quietUntil ?? now)
        if !breaker.isClosed {
            guard let probe = breaker.opensAt else { return nil }
            opening = max(opening, probe)
        }
        if requests != nil {
            guard let refilled = requests?.opensAt(1, at: now) else { return nil }
            opening = max(opening, refilled)
        }
        if tokens != nil {
            guard let refilled = tokens?.opensAt(1, at: now) else { return nil }
            opening = max(opening, refilled)
        }
        return opening
    }

    /// Calls that the windows and the allowance would have in flight if the cluster gave as many places.
    var appetite: Int {
        var sum = 0
        for (number, window) in windows.enumerated() where !freeWindows.contains(number) { sum += window.size }
        return min(sum, concurrency, allowance ?? .max)
    }

    /// Whether fewer calls are in flight than it would take, whatever time has to say.
    var isHungry: Bool {
        let taken = windows.count == freeWindows.count ? rules.start : appetite
        return !isDown && inFlight < min(cap, taken)
    }

    /// See ``RetryBudget/delay(_:at:)``.
    mutating func retryDelay(_ base: Duration, at now: ContinuousClock.Instant) -> Duration {
        budget.delay(base, at: now)
    }

    // MARK: What others find out

    /// The cluster gave this worker so many places.
    mutating func setShare(_ places: Int?, at now: ContinuousClock.Instant) {
        share = places.map { max($0, 0) }
        guard let clusterConcurrency, let share else { return }
        let part = Double(share) / Double(clusterConcurrency)
        requests?.limit(to: part, at: now)
        tokens?.limit(to: part, at: now)
    }

    /// A health check succeeded or failed.
    mutating func setHealth(isUp: Bool, at now: ContinuousClock.Instant) {
        if isUp {
            if isDown { breaker.relent(at: now) }
        } else {
            breaker.trip(at: now)
        }
        isDown = !isUp
    }

    /// Whether requests of live traffic wait at the backend: then half as many calls as now, else twice as many.
    mutating func yield(toWaiting isWaiting: Bool) {
        if isWaiting {
            allowance = max(min(allowance ?? .max, inFlight) / 2, rules.floor)
        } else if let present = allowance {
            allowance = present * 2 >= concurrency ? nil : present * 2
        }
    }

    private var cap: Int { min(concurrency, share ?? .max, allowance ?? .max) }

    private mutating func settleTokens(_ entry: Entry, _ report: CallReport) {
        guard tokens != nil else { return }
        var actual = 0.0
        if case .answered(_, let count) = report {
            actual = Double(count)
            // An average over about fifty answers.
            tokensEach = max(tokensEach + (actual - tokensEach) / 50, 1)
        }
        tokens?.take(actual - entry.tokens)
    }

    private mutating func restartWindows() {
        for window in windows.indices { windows[window].restart() }
    }
}
