// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchStore

/// The requests that a coordinator holds and which line each of them is. No clock and no waiting: instants come in,
/// answers to give go out.
struct LiveHolds: Sendable {
    /// What a live batch's requests have in common.
    struct Party: Hashable, Sendable {
        /// Whose.
        let project: ProjectID
        /// The API key.
        let key: Int64
        /// Where to.
        let endpoint: String
        /// Of which model.
        let model: String
    }

    /// A request that is held.
    struct Hold: Sendable {
        /// Where it belongs.
        let party: Party
        /// What it is known by when it is sent again.
        let fingerprint: LiveFingerprint
        /// When its client's time is over.
        let deadline: ContinuousClock.Instant
        /// How long that is in all.
        let wait: Duration
        /// Its body, until it is in the database.
        var body: [UInt8]
        /// Who waits; nil until it does.
        fileprivate var waiter: CheckedContinuation<LiveAnswer, any Error>?
        /// How it ended; nil until it has.
        fileprivate var result: Result<LiveAnswer, any Error>?
        /// Whether who waits was told.
        fileprivate var isTold = false
        /// Its line, which may not be in the database yet.
        fileprivate(set) var line: LiveLineKey?
        /// Whether a transaction is under way that takes it in.
        fileprivate var isAdding = false
        /// Whether the client went while that transaction is under way.
        fileprivate var isGone = false

        /// A request that was just received.
        init(
            party: Party, fingerprint: LiveFingerprint, deadline: ContinuousClock.Instant, wait: Duration,
            body: [UInt8]
        ) {
            self.party = party
            self.fingerprint = fingerprint
            self.deadline = deadline
            self.wait = wait
            self.body = body
        }
    }

    /// Somebody's answer, to be given outside of the lock.
    struct Settlement: Sendable {
        fileprivate let waiter: CheckedContinuation<LiveAnswer, any Error>
        fileprivate let result: Result<LiveAnswer, any Error>

        /// Gives it.
        func give() { waiter.resume(with: result) }
    }

    private var holds: [Int: Hold] = [:]
    private var next = 0
    /// Those that are in no transaction yet, in the order in which they came.
    private var waiting: [Int] = []
    private var lines: [LiveShardKey: [Int32: Int]] = [:]
    /// How many requests of a batch are not answered; batches without any are not there.
    private(set) var open: [BatchID: Int] = [:]
    /// Lines whose answers were given a moment ago.
    private var answered: [LiveLineKey] = []
    /// Lines whose answers were given longer ago: their rows can go.
    private var written: [LiveLineKey] = []
    /// Lines whose clients have gone.
    private(set) var orphaned: [LiveLineKey] = []
    /// Bytes of bodies that are not in the database.
    private(set) var bytes = 0
    /// Whether nothing more is taken in.
    private(set) var isClosed = false

    /// How many requests are held.
    var count: Int { holds.count }

    /// Whether a request waits to be taken in.
    var hasWaiting: Bool { !waiting.isEmpty }

    /// Shards with lines that somebody waits for.
    var shards: [LiveShardKey] { Array(lines.keys) }

    /// Every line that somebody waits for.
    var placed: [LiveLineKey] { holds.values.compactMap(\.line) }

    /// Whether somebody waits for a line of the shard.
    func waits(for shard: LiveShardKey) -> Bool { lines[shard] != nil }

    /// Whether a request that is none of `numbers` waits for the line.
    func waits(for line: LiveLineKey, except numbers: Set<Int>) -> Bool {
        lines[line.shard]?[line.ordinal].map { !numbers.contains($0) } ?? false
    }

    /// The lines of a shard that somebody waits for.
    func ordinals(of shard: LiveShardKey) -> [Int32] { lines[shard].map { Array($0.keys) } ?? [] }

    /// The line of a request; nil when it has none.
    func line(of number: Int) -> LiveLineKey? { holds[number]?.line }

    /// As ``ordinals(of:)``, without those that a transaction is just inserting.
    func placedOrdinals(of shard: LiveShardKey) -> [Int32] {
        (lines[shard] ?? [:]).filter { holds[$0.value]?.isAdding == false }.map(\.key)
    }

    /// Takes a request; returns its number.
    mutating func admit(_ hold: Hold) -> Int {
        next += 1
        bytes += hold.body.count
        holds[next] = hold
        waiting.append(next)
        return next
    }

    /// Somebody waits for a request, if there is nothing to tell already.
    mutating func wait(
        for number: Int, _ waiter: CheckedContinuation<LiveAnswer, any Error>
    ) -> Settlement? {
        guard let hold = holds[number] else {
            return Settlement(waiter: waiter, result: .failure(CancellationError()))
        }
        guard let result = hold.result else {
            holds[number]?.waiter = waiter
            return nil
        }
        holds[number]?.isTold = true
        removeIfOver(number)
        return Settlement(waiter: waiter, result: result)
    }

    /// The client has gone, or is told to come again.
    mutating func leave(_ number: Int, _ error: any Error = CancellationError()) -> Settlement? {
        guard let hold = holds[number], hold.result == nil else { return nil }
        if hold.isAdding {
            holds[number]?.isGone = true
        } else if let line = hold.line {
            forget(line)
            orphaned.append(line)
        } else {
            // Its number stays among those that wait and is passed over there.
            dropBody(number)
        }
        return settle(number, .failure(error))
    }

    /// Those whose time is over.
    mutating func expire(at now: ContinuousClock.Instant, retryAfterSeconds: Int) -> [Settlement] {
        var over: [(number: Int, wait: Duration)] = []
        for (number, hold) in holds where hold.deadline <= now { over.append((number, hold.wait)) }
        return over.compactMap { number, wait in
            leave(number, LiveFault.waitOver(wait, retryAfterSeconds: retryAfterSeconds))
        }
    }

    /// Takes nothing more in; all are told to come again.
    mutating func close() -> [Settlement] {
        isClosed = true
        return Array(holds.keys).compactMap { leave($0, LiveFault.leaving) }
    }
}

// Taking requests in.
extension LiveHolds {
    /// The requests to take in next, in the order in which they came, with their numbers.
    mutating func take(max: Int, bytesMax: Int) -> [(number: Int, hold: Hold)] {
        var taken: [(number: Int, hold: Hold)] = []
        var (passed, bytes) = (0, 0)
        for number in waiting {
            guard taken.count < max, bytes < bytesMax else { break }
            passed += 1
            guard let hold = holds[number], hold.result == nil else { continue }
            taken.append((number, hold))
            bytes += hold.body.count
            holds[number]?.isAdding = true
        }
        waiting.removeFirst(passed)
        return taken
    }

    /// A transaction is about to make a request this line; it may be answered from now on.
    mutating func place(_ number: Int, at line: LiveLineKey) {
        guard holds[number] != nil else { return }
        holds[number]?.line = line
        lines[line.shard, default: [:]][line.ordinal] = number
        open[line.shard.batch, default: 0] += 1
    }

    /// The lines of these requests will not be: a transaction begins anew, or has failed.
    mutating func unplace(_ numbers: [Int]) {
        for number in numbers {
            guard let line = holds[number]?.line else { continue }
            forget(line)
            holds[number]?.line = nil
        }
    }

    /// The transaction was committed.
    mutating func commit(_ numbers: [Int]) {
        for number in numbers {
            dropBody(number)
            guard let hold = holds[number] else { continue }
            holds[number]?.isAdding = false
            if hold.isGone, let line = hold.line {
                forget(line)
                orphaned.append(line)
            }
            removeIfOver(number)
        }
    }

    /// The transaction failed: the requests wait again, before all others.
    mutating func giveBack(_ numbers: [Int]) {
        unplace(numbers)
        for number in numbers {
            holds[number]?.isAdding = false
            if holds[number]?.result != nil { dropBody(number) }
            removeIfOver(number)
        }
        waiting = numbers.filter { holds[$0] != nil && holds[$0]?.result == nil } + waiting
    }
}

// Answers.
extension LiveHolds {
    /// A line's outcome is there.
    mutating func answer(_ line: LiveLineKey, _ result: Result<LiveAnswer, any Error>) -> Settlement? {
        guard let number = lines[line.shard]?[line.ordinal], holds[number]?.result == nil else {
            return nil
        }
        forget(line)
        answered.append(line)
        return settle(number, result)
    }

    /// Hands over the lines whose rows can go: those that were answered before the last time this was asked, so that
    /// the answers have been written to the clients meanwhile; or all.
    mutating func takeAnswered(all: Bool = false) -> [LiveLineKey] {
        defer { (written, answered) = (all ? [] : answered, []) }
        return all ? written + answered : written
    }

    /// Hands over the lines whose clients have gone.
    mutating func takeOrphaned() -> [LiveLineKey] {
        defer { orphaned = [] }
        return orphaned
    }

    /// Takes lines back: the database did not hear of them.
    mutating func putBack(answered lines: [LiveLineKey] = [], orphaned others: [LiveLineKey] = []) {
        written = lines + written
        orphaned = others + orphaned
    }

    /// The end of a request: whoever waits is told, or will be.
    private mutating func settle(_ number: Int, _ result: Result<LiveAnswer, any Error>) -> Settlement? {
        guard let hold = holds[number] else { return nil }
        holds[number]?.result = result
        guard let waiter = hold.waiter else { return nil }
        holds[number]?.waiter = nil
        holds[number]?.isTold = true
        removeIfOver(number)
        return Settlement(waiter: waiter, result: result)
    }

    /// A request that has ended is kept until who waits was told, and no transaction takes it in any more.
    private mutating func removeIfOver(_ number: Int) {
        guard let hold = holds[number], hold.result != nil, hold.isTold, !hold.isAdding else { return }
        holds[number] = nil
    }

    private mutating func forget(_ line: LiveLineKey) {
        guard lines[line.shard]?.removeValue(forKey: line.ordinal) != nil else { return }
        if lines[line.shard]?.isEmpty == true { lines[line.shard] = nil }
        let left = (open[line.shard.batch] ?? 1) - 1
        open[line.shard.batch] = left > 0 ? left : nil
    }

    private mutating func dropBody(_ number: Int) {
        bytes -= holds[number]?.body.count ?? 0
        holds[number]?.body = []
    }
}
