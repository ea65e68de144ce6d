// SPDX-License-Identifier: Apache-2.0
import BatchInference

/// A worker with one backend in virtual time: the real route decides when calls start, a model of a backend answers.
/// Every run with the same seed is the same.
struct SimulatedExchange {
    /// How the backend treats calls.
    struct Service {
        /// Calls accepted at once at a moment (seconds from the start); more are refused. Nil: all are accepted.
        var slots: ((Double) -> Int)?
        /// Calls worked on at once; more wait in order. Nil: all.
        var servers: Int?
        /// Seconds of work for one call at a moment.
        var work: (Double, inout SeededNumbers) -> Double = { _, _ in 0.2 }
        /// Sent along with a refusal, in seconds.
        var retryAfter: Double?
        /// The part of calls that is refused by chance.
        var refusedByChance = 0.0
    }

    /// What became of a run.
    struct Result {
        /// Seconds until the last line was answered.
        var elapsed = 0.0
        /// Calls made.
        var requests = 0
        /// Lines answered.
        var answered = 0
        /// Size of the window over time, in seconds; one entry per change.
        var sizes: [(at: Double, size: Int)] = []

        /// The largest and the least window from one moment to another.
        func range(_ from: Double, _ to: Double) -> ClosedRange<Int> {
            let last = sizes.last { $0.at <= from }?.size
            let within = sizes.filter { $0.at > from && $0.at <= to }.map(\.size) + (last.map { [$0] } ?? [])
            return (within.min() ?? 0)...(within.max() ?? 0)
        }
    }

    private enum Happening {
        case answer(Reservation, seconds: Double)
        case refusal(Reservation)
        case lineReady
        case look
    }

    private let route: Route
    private let backend: Backend
    private let service: Service
    private let origin = ContinuousClock.now
    private var numbers: SeededNumbers
    private var events = TimeHeap<Happening>()
    private var waiting: Int
    private var inService = 0
    /// When each server is free again; empty without servers.
    private var freeAt: TimeHeap<Void> = TimeHeap()
    private var now = 0.0
    private var result = Result()

    /// A run of `lines` against `service`.
    init(
        lines: Int, seed: UInt64 = 1, service: Service, adjust: (inout BackendConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = BackendConfiguration(
            name: "simulated", baseURL: "http://127.0.0.1:9", models: [.any], concurrency: 1_024)
        adjust(&configuration)
        let set = try BackendSet([configuration], version: "1")
        guard let route = set.route(model: "m", endpoint: "/v1/embeddings") else { throw NoRoute() }
        self.route = route
        self.backend = set.backends[0]
        self.service = service
        self.numbers = SeededNumbers(seed: seed)
        self.waiting = lines
        for _ in 0..<(service.servers ?? 0) { freeAt.push(0, ()) }
    }

    private struct NoRoute: Error {}

    /// Runs until every line is answered, or to `end` seconds.
    mutating func run(until end: Double = .infinity) -> Result {
        fill()
        while let (time, happening) = events.pop(), time <= end {
            now = time
            handle(happening)
            fill()
        }
        return result
    }

    private var instant: ContinuousClock.Instant { origin + .seconds(now) }

    private mutating func handle(_ happening: Happening) {
        switch happening {
        case .answer(let place, let seconds):
            inService -= 1
            place.end(.answered(latency: .seconds(seconds), tokens: 0), at: instant)
            result.answered += 1
            result.elapsed = now
        case .refusal(let place):
            place.end(.overloaded(retryAfter: service.retryAfter.map { .seconds($0) }), at: instant)
            let wish = service.retryAfter ?? Double.random(in: 0...0.5, using: &numbers)
            let wait = backend.retryDelay(.seconds(wish), at: instant)
            events.push(now + wait / .seconds(1), .lineReady)
        case .lineReady:
            waiting += 1
        case .look:
            break
        }
        let size = route.windowSizes[0]
        if result.sizes.last?.size != size { result.sizes.append((now, size)) }
    }

    private mutating func fill() {
        while waiting > 0 {
            guard let place = route.reserve(at: instant) else {
                if let opening = route.opensAt(instant) {
                    events.push(max((opening - origin) / .seconds(1), now + 1e-6), .look)
                }
                return
            }
            waiting -= 1
            start(place)
        }
    }

    private mutating func start(_ place: Reservation) {
        result.requests += 1
        let isRefused =
            inService >= service.slots?(now) ?? .max
            || service.refusedByChance > 0 && Double.random(in: 0..<1, using: &numbers) < service.refusedByChance
        guard !isRefused else {
            events.push(now + 0.001, .refusal(place))
            return
        }
        inService += 1
        var begins = now
        if service.servers != nil, let free = freeAt.pop() { begins = max(begins, free.time) }
        let ends = begins + service.work(now, &numbers)
        if service.servers != nil { freeAt.push(ends, ()) }
        events.push(ends, .answer(place, seconds: ends - now))
    }
}

/// A generator of numbers that begins anywhere and is the same on every run (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    /// The numbers of this seed.
    init(seed: UInt64) { state = seed }

    /// The next number.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number of the normal distribution with mean 0 and deviation 1: the sum of twelve even ones, less six.
    mutating func normal() -> Double {
        (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0..<1, using: &self) }
    }
}

/// What is to happen, by time; at the same time in the order of pushing.
struct TimeHeap<Element> {
    private var entries: [(time: Double, number: Int, element: Element)] = []
    private var pushed = 0

    /// Adds something that happens at `time`.
    mutating func push(_ time: Double, _ element: Element) {
        pushed += 1
        entries.append((time, pushed, element))
        var child = entries.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes what happens first; nil when nothing is left.
    mutating func pop() -> (time: Double, element: Element)? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        if !entries.isEmpty {
            entries[0] = last
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count && isBefore(child, least) {
                    least = child
                }
                if least == parent { break }
                entries.swapAt(parent, least)
                parent = least
            }
        }
        return (first.time, first.element)
    }

    private func isBefore(_ one: Int, _ other: Int) -> Bool {
        (entries[one].time, entries[one].number) < (entries[other].time, entries[other].number)
    }
}
