// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore

/// The requests of the memory lane: which wait, which are in the worker's hands, and outcomes that nobody took. Each
/// is a shard of one line. No clock and no waiting: instants come in, claims and answers to give go out.
struct MemoryQueue: Sendable {
    /// Who waits for an outcome.
    typealias Waiter = CheckedContinuation<Outcome, any Error>

    /// Somebody's answer, to be given outside of the lock.
    struct Settlement: Sendable {
        fileprivate let waiter: Waiter
        fileprivate let result: Result<Outcome, any Error>

        /// Gives it.
        func give() { waiter.resume(with: result) }
    }

    /// What a request that is sent again is known by.
    private struct Fingerprint: Hashable {
        let party: MemoryRequest.Party
        let body: [UInt8]
    }

    private enum Stage: Hashable {
        case waiting, claimed, done
    }

    private struct Entry {
        let fingerprint: Fingerprint
        var deadline: ContinuousClock.Instant
        var stage = Stage.waiting
        var epoch: Int32 = 0
        var waiter: Waiter?
        /// Whether somebody waits, or is about to.
        var isWanted = true
        var outcome: Outcome?
        var failure: BatchError?
        var doneAt: ContinuousClock.Instant?
    }

    private struct Line {
        let batch: BatchID
        var waiting: [Int32] = []
        var claimed = 0
    }

    private let limits: MemoryLimits
    private var entries: [Int32: Entry] = [:]
    private var parties: [MemoryRequest.Party: Line] = [:]
    /// Requests that nobody waits for any more, claimed or done.
    private var orphans: [Fingerprint: [Int32]] = [:]
    /// Orphans that are done, the oldest first.
    private var kept: [Int32] = []
    private var keptBytes = 0
    private var held = 0
    private var next: Int32 = 0
    private var isClosed = false

    /// Holds nothing yet.
    init(limits: MemoryLimits) {
        self.limits = limits
    }

    /// Requests that somebody waits for.
    var count: Int { held }

    /// Takes a request, or gives it what the same one left behind; returns its number, and whether it is new.
    mutating func admit(
        _ request: MemoryRequest, at now: ContinuousClock.Instant
    ) throws -> (number: Int32, isNew: Bool) {
        guard !isClosed else { throw MemoryFault.leaving }
        guard held < limits.requestsMax else { throw MemoryFault.full(held, limits.retryAfterSeconds) }
        held += 1
        let fingerprint = Fingerprint(party: request.party, body: request.body)
        if let number = orphans[fingerprint]?.first {
            adopt(number, fingerprint)
            entries[number]?.deadline = now + request.wait
            return (number, false)
        }
        next = next == .max ? 1 : next + 1
        entries[next] = Entry(fingerprint: fingerprint, deadline: now + request.wait)
        parties[request.party, default: Line(batch: .random())].waiting.append(next)
        return (next, true)
    }

    /// Somebody waits for a request, if there is nothing to tell already.
    mutating func wait(for number: Int32, _ waiter: Waiter) -> Settlement? {
        guard let entry = entries[number], entry.isWanted else {
            return Settlement(waiter: waiter, result: .failure(CancellationError()))
        }
        guard entry.outcome == nil && entry.failure == nil else {
            entries[number]?.waiter = waiter
            return settle(number)
        }
        entries[number]?.waiter = waiter
        return nil
    }

    /// The client has gone, or is told why there is no answer: what waits is dropped, the rest goes on and is kept.
    mutating func leave(_ number: Int32, _ error: any Error = CancellationError()) -> Settlement? {
        guard let entry = entries[number], entry.isWanted else { return nil }
        held -= 1
        entries[number]?.waiter = nil
        entries[number]?.isWanted = false
        if entry.stage == .waiting {
            drop(number)
        } else {
            orphans[entry.fingerprint, default: []].append(number)
            if entry.stage == .done { keep(number) }
        }
        return entry.waiter.map { Settlement(waiter: $0, result: .failure(error)) }
    }

    /// Minds deadlines, and forgets outcomes that were kept long enough.
    mutating func expire(at now: ContinuousClock.Instant) -> [Settlement] {
        while let number = kept.first, let done = entries[number]?.doneAt, now - done >= limits.keptFor {
            forget(number)
        }
        let over = entries.filter { $0.value.isWanted && $0.value.deadline <= now }.map(\.key)
        return over.compactMap { leave($0, MemoryFault.waitOver(limits.retryAfterSeconds)) }
    }

    /// Takes nothing more in, and tells those that wait to come again; `all` tells the others as well.
    mutating func close(all: Bool) -> [Settlement] {
        isClosed = true
        let told = entries.filter { $0.value.isWanted && (all || $0.value.stage == .waiting) }.map(\.key)
        return told.compactMap { leave($0, MemoryFault.leaving) }
    }
}

// What the worker does.
extension MemoryQueue {
    /// Takes up to `limit` requests: of the project with the fewest claimed the party with the fewest, the oldest
    /// first.
    mutating func claim(_ limit: Int, excluding excluded: Set<BatchID>, at now: ContinuousClock.Instant)
        -> [ClaimedShard]
    {
        var loads: [ProjectID: Int] = [:]
        for (party, line) in parties { loads[party.project, default: 0] += line.claimed }
        var claims: [ClaimedShard] = []
        while claims.count < limit {
            let open = parties.filter { !$0.value.waiting.isEmpty && !excluded.contains($0.value.batch) }
            let best = open.min { left, right in
                let (few, many) = (loads[left.key.project] ?? 0, loads[right.key.project] ?? 0)
                if few != many { return few < many }
                return (left.value.claimed, left.value.waiting[0]) < (right.value.claimed, right.value.waiting[0])
            }
            guard let party = best?.key, let claim = claimFirst(of: party, at: now) else { break }
            loads[party.project, default: 0] += 1
            claims.append(claim)
        }
        return claims
    }

    private mutating func claimFirst(of party: MemoryRequest.Party, at now: ContinuousClock.Instant) -> ClaimedShard? {
        guard let number = parties[party]?.waiting.removeFirst(), let batch = parties[party]?.batch else { return nil }
        parties[party]?.claimed += 1
        entries[number]?.stage = .claimed
        entries[number]?.epoch += 1
        guard let entry = entries[number] else { return nil }
        var builder = LinePackBuilder(linesMax: 1, bytesMax: .max)
        Array(#""0""#.utf8).withUnsafeBytes { id in
            entry.fingerprint.body.withUnsafeBytes { body in
                builder.append(number: 1, endpoint: nil, customID: id, body: body)
            }
        }
        return ClaimedShard(
            lease: Lease(shard: ShardKey(batch: batch, number: number), epoch: entry.epoch), project: party.project,
            lane: .live, endpoint: party.endpoint, model: party.model, expiresAt: 0,
            // A call goes on when its client's time is over: the same request sent again gets what comes of it.
            secondsLeft: (entry.deadline - now + limits.keptFor) / .seconds(1), lineCount: 1,
            done: LineSet(lineCount: 1),
            pack: builder.finish())
    }

    /// Whether a lease holds.
    func holds(_ lease: Lease) -> Bool {
        guard let entry = entries[lease.shard.number] else { return false }
        return entry.stage == .claimed && entry.epoch == lease.epoch
    }

    /// An outcome is there.
    mutating func finish(_ lease: Lease, _ outcome: Outcome, at now: ContinuousClock.Instant) -> Settlement? {
        let number = lease.shard.number
        guard holds(lease), let entry = entries[number] else { return nil }
        entries[number]?.stage = .done
        entries[number]?.outcome = outcome
        entries[number]?.doneAt = now
        unclaim(entry.fingerprint.party)
        guard entry.isWanted else {
            keep(number)
            return nil
        }
        return settle(number)
    }

    /// The worker gives a request back; one that nobody waits for is dropped.
    mutating func release(_ lease: Lease) {
        let number = lease.shard.number
        guard holds(lease), let entry = entries[number] else { return }
        entries[number]?.stage = .waiting
        let party = entry.fingerprint.party
        parties[party]?.waiting.insert(number, at: 0)
        unclaim(party)
        guard !entry.isWanted else { return }
        orphans[entry.fingerprint]?.removeAll { $0 == number }
        drop(number)
    }
}

// What is over.
extension MemoryQueue {
    /// Gives an outcome to who waits; a request that is over is forgotten.
    private mutating func settle(_ number: Int32) -> Settlement? {
        guard let entry = entries[number], let waiter = entry.waiter, let outcome = entry.outcome else { return nil }
        held -= 1
        entries[number] = nil
        return Settlement(waiter: waiter, result: .success(outcome))
    }

    /// Somebody waits again.
    private mutating func adopt(_ number: Int32, _ fingerprint: Fingerprint) {
        orphans[fingerprint]?.removeFirst()
        if orphans[fingerprint]?.isEmpty == true { orphans[fingerprint] = nil }
        entries[number]?.isWanted = true
        guard let outcome = entries[number]?.outcome else { return }
        kept.removeAll { $0 == number }
        keptBytes -= outcome.body.count
    }

    /// Keeps an outcome that nobody took, within bounds.
    private mutating func keep(_ number: Int32) {
        kept.append(number)
        keptBytes += entries[number]?.outcome?.body.count ?? 0
        while let oldest = kept.first, keptBytes > limits.keptBytesMax || kept.count > limits.requestsMax {
            forget(oldest)
        }
    }

    /// Forgets an outcome that nobody took.
    private mutating func forget(_ number: Int32) {
        kept.removeAll { $0 == number }
        guard let entry = entries.removeValue(forKey: number) else { return }
        keptBytes -= entry.outcome?.body.count ?? 0
        orphans[entry.fingerprint]?.removeAll { $0 == number }
        if orphans[entry.fingerprint]?.isEmpty == true { orphans[entry.fingerprint] = nil }
    }

    /// Takes a request that waits out of the queue.
    private mutating func drop(_ number: Int32) {
        guard let entry = entries.removeValue(forKey: number) else { return }
        let party = entry.fingerprint.party
        parties[party]?.waiting.removeAll { $0 == number }
        removeIfIdle(party)
    }

    private mutating func unclaim(_ party: MemoryRequest.Party) {
        parties[party]?.claimed -= 1
        removeIfIdle(party)
    }

    private mutating func removeIfIdle(_ party: MemoryRequest.Party) {
        if let line = parties[party], line.claimed == 0, line.waiting.isEmpty { parties[party] = nil }
    }
}

/// What clients of the memory lane are told when there is no answer: always when to come again.
enum MemoryFault {
    /// The process is on its way out.
    static var leaving: BatchError {
        .unavailable("The server is shutting down. Send the request again.", retryAfterSeconds: 1)
    }

    /// The client's time is over.
    static func waitOver(_ retryAfterSeconds: Int) -> BatchError {
        .unavailable("The request was not answered in time. Send it again.", retryAfterSeconds: retryAfterSeconds)
    }

    /// There are too many.
    static func full(_ held: Int, _ retryAfterSeconds: Int) -> BatchError {
        BatchError(
            status: 429, type: "rate_limit_error", code: "rate_limit_exceeded",
            message: "This server holds \(held) requests in memory and takes no more (`live.memory_max`). Send the "
                + "request again later, or let it be stored.", retryAfterSeconds: retryAfterSeconds)
    }
}
