// SPDX-License-Identifier: Apache-2.0

/// How many lines a worker keeps on hand, and how many shards it asks for. Instants come in, numbers go out.
///
/// On hand is what the calls will eat while a claim is on its way: little for slow backends, so that other workers find
/// something to do; much for fast ones, so that the window never idles.
struct ClaimPlan: Sendable {
    /// What a worker has at the moment.
    struct Hand: Hashable, Sendable {
        /// Lines that may start.
        var startable: Int
        /// Lines that are not done: startable, waiting, in flight.
        var unfinished: Int
        /// Calls in flight.
        var inFlight: Int
        /// Bytes of packed lines.
        var bytes: Int
        /// Calls that have ended since the worker began.
        var finished: Int
        /// Of ``startable``, lines that somebody waits for.
        var liveStartable = 0
    }

    /// Live shards claimed by one statement: they are small.
    private static let liveShardsMax = 64

    /// The time a claim may take, with room to spare: lines for so long are kept on hand.
    private static let ahead: Duration = .milliseconds(200)
    /// Lines of a shard until the first was seen.
    private static let firstGuess = 64.0
    /// Fewest lines that are kept on hand: the window of a backend starts with as many calls.
    private static let leastOnHand = 128

    private let linesMax: Int
    private let bytesMax: Int
    private let shardsMax: Int
    private var linesPerShard = Self.firstGuess
    private var linesPerLiveShard = 1.0
    private var inFlight = 0
    /// Calls that end in a second, smoothed.
    private(set) var linesPerSecond = 0.0
    private var last: (finished: Int, at: ContinuousClock.Instant)?

    /// A plan for a worker with these limits.
    init(linesMax: Int, bytesMax: Int, shardsMax: Int) {
        self.linesMax = linesMax
        self.bytesMax = bytesMax
        self.shardsMax = shardsMax
    }

    /// Fewer startable lines than this are worth a claim: one for each call in flight, or what is eaten during a claim.
    var lowWater: Int { min(max(inFlight, eaten, Self.leastOnHand), linesMax) }

    /// Lines that are started while a claim is on its way.
    private var eaten: Int { Int(linesPerSecond * (Self.ahead / .seconds(1))) }

    /// Lines that are started within half a second: an idle worker could not start them much sooner.
    var soonStarted: Int { Int(linesPerSecond / 2) }

    /// How many shards to ask for; 0 when enough is on hand or a limit is reached.
    mutating func shards(for hand: Hand, at now: ContinuousClock.Instant) -> Int {
        measure(hand.finished, at: now)
        inFlight = hand.inFlight
        guard hand.startable < lowWater else { return 0 }
        // Beyond the mark, so that a fast worker claims many shards now and then instead of one all the time.
        let wanted = min(lowWater + eaten - hand.startable, linesMax - hand.unfinished)
        guard wanted > 0, hand.bytes < bytesMax else { return 0 }
        return min(max(Int((Double(wanted) / linesPerShard).rounded(.up)), 1), shardsMax)
    }

    /// How many live shards to ask for, however many other lines are on hand: those wait.
    func liveShards(for hand: Hand) -> Int {
        guard hand.liveStartable < lowWater, hand.bytes < bytesMax else { return 0 }
        let wanted = lowWater + eaten - hand.liveStartable
        return min(max(Int((Double(wanted) / linesPerLiveShard).rounded(.up)), 1), Self.liveShardsMax)
    }

    /// Learns how many lines shards have.
    mutating func learn(shards: Int, lines: Int) {
        guard shards > 0 else { return }
        linesPerShard = max((linesPerShard + Double(lines) / Double(shards)) / 2, 1)
    }

    /// Learns how many lines live shards have.
    mutating func learnLive(shards: Int, lines: Int) {
        guard shards > 0 else { return }
        linesPerLiveShard = max((linesPerLiveShard + Double(lines) / Double(shards)) / 2, 1)
    }

    private mutating func measure(_ finished: Int, at now: ContinuousClock.Instant) {
        guard let last else {
            self.last = (finished, now)
            return
        }
        let seconds = (now - last.at) / .seconds(1)
        // Over shorter times the rate is noise.
        guard seconds >= 0.05 else { return }
        linesPerSecond = (linesPerSecond + Double(finished - last.finished) / seconds) / 2
        self.last = (finished, now)
    }
}
