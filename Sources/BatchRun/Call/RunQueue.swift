// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Curl

/// A request on its way to its result.
struct RunLine: Sendable {
    /// The request.
    let item: RequestItem
    /// Number of the lane it waits in.
    let lane: Int
    /// Which try is next; the first is 1.
    var attempt = 1
    /// Tries so far that use up none of the attempts a backend allows.
    var uncounted = 0
    /// Why the last try failed; empty before the first.
    var lastError = ""
    /// The form of an audio line, once its file is there.
    var upload: LineUpload?
}

/// The lines on hand, those of each model and path in a lane of their own, so that a slow one holds up no other.
/// No clock and no waiting: instants come in, lines go out.
struct RunQueue: Sendable {
    /// A line that may start, with its place at the backend.
    struct Started: Sendable {
        /// The line.
        var line: RunLine
        /// Given up by whoever makes the call.
        var place: Reservation
    }

    private struct Key: Hashable {
        let model: String
        let url: String
    }

    private struct Lane {
        let key: Key
        let route: Route
        var fresh: [RunLine] = []
        /// Where in `fresh` the next one is.
        var next = 0
        /// Lines whose wait is over; they go first.
        var again: [RunLine] = []
        /// The same with their file; they go before all, since nothing else gives its room back.
        var prepared: [RunLine] = []
        /// Lines that wait or are in flight.
        var away = 0

        var count: Int { fresh.count - next + again.count + prepared.count }

        /// Whether the next line's file would have no room.
        func waitsForFiles(_ files: FileBudget?, at now: ContinuousClock.Instant) -> Bool {
            guard route.isSpeech, let files, prepared.isEmpty, route.hasRoom(at: now) else { return false }
            return !files.hasRoom(at: now)
        }

        mutating func pop() -> RunLine? {
            if let line = prepared.popLast() { return line }
            if let line = again.popLast() { return line }
            guard next < fresh.count else { return nil }
            defer {
                next += 1
                if next == fresh.count {
                    fresh.removeAll(keepingCapacity: true)
                    next = 0
                } else if next > 512, next * 2 > fresh.count {
                    fresh.removeFirst(next)
                    next = 0
                }
            }
            return fresh[next]
        }
    }

    private let files: FileBudget?
    private var lanes: [Int: Lane] = [:]
    private var numbers: [Key: Int] = [:]
    /// Lanes with lines that may start.
    private var turns: [Int] = []
    private var turn = 0
    private var nextLane = 0
    private var waiting = WaitingLines()

    /// Lines that may start.
    private(set) var ready = 0
    /// Lines in flight.
    private(set) var inFlight = 0
    /// Bytes of all lines on hand.
    private(set) var heldBytes = 0

    /// How soon it is looked again whether there is room for files: what makes room is seen at once.
    private static let filesEvery = Duration.milliseconds(50)

    /// Holds nothing yet; audio lines start while `files` has room for theirs.
    init(files: FileBudget? = nil) { self.files = files }

    /// Lines on hand that are not in flight.
    var idle: Int { ready + waiting.count }

    /// Takes in a request; `route` is asked when its lane is new. False when nobody can take it.
    mutating func add(_ item: RequestItem, route: () -> Route?) -> Bool {
        let key = Key(model: item.model, url: item.url)
        if numbers[key] == nil {
            guard let route = route() else { return false }
            nextLane += 1
            numbers[key] = nextLane
            lanes[nextLane] = Lane(key: key, route: route)
        }
        guard let number = numbers[key], let before = lanes[number]?.count else { return false }
        lanes[number]?.fresh.append(RunLine(item: item, lane: number))
        if before == 0 { turns.append(number) }
        ready += 1
        heldBytes += item.body.count
        return true
    }

    /// Starts the next line; nil when none may start.
    mutating func take(at now: ContinuousClock.Instant) -> Started? {
        for step in 0..<turns.count {
            let index = (turn + step) % turns.count
            let number = turns[index]
            guard lanes[number]?.waitsForFiles(files, at: now) == false,
                let place = lanes[number]?.route.reserve(at: now)
            else { continue }
            guard let line = lanes[number]?.pop() else {
                place.cancel()
                continue
            }
            lanes[number]?.away += 1
            ready -= 1
            inFlight += 1
            let isEmpty = lanes[number]?.count == 0
            if isEmpty { turns.remove(at: index) }
            turn = isEmpty ? index : index + 1
            return Started(line: line, place: place)
        }
        return nil
    }

    /// A call ended with its line's result.
    mutating func finish(_ line: RunLine) {
        inFlight -= 1
        heldBytes -= line.item.body.count
        leave(line.lane)
    }

    /// A line whose file is there now may start again at once.
    mutating func putBack(_ line: RunLine) {
        inFlight -= 1
        restart(line)
    }

    /// A call ended without; the line waits until `due`.
    mutating func postpone(_ line: RunLine, until due: ContinuousClock.Instant) {
        inFlight -= 1
        waiting.insert(line, due: due)
    }

    /// Lines whose wait is over may start again; returns when the next one's is.
    mutating func tick(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        while let line = waiting.popDue(at: now) { restart(line) }
        return waiting.firstDue
    }

    private mutating func restart(_ line: RunLine) {
        if lanes[line.lane]?.count == 0 { turns.append(line.lane) }
        if line.upload == nil { lanes[line.lane]?.again.append(line) } else { lanes[line.lane]?.prepared.append(line) }
        lanes[line.lane]?.away -= 1
        ready += 1
    }

    /// When time alone lets a line start that may not start at `now`; nil when only something else can.
    func opensAt(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        turns.lazy.compactMap { number in
            guard let lane = lanes[number] else { return nil }
            return lane.waitsForFiles(files, at: now) ? now + Self.filesEvery : lane.route.opensAt(now)
        }.min()
    }

    /// Forgets a lane that nothing is in any more: there may be any number of models in a file.
    private mutating func leave(_ number: Int) {
        lanes[number]?.away -= 1
        guard let lane = lanes[number], lane.away == 0, lane.count == 0 else { return }
        numbers[lane.key] = nil
        lanes[number] = nil
    }
}
