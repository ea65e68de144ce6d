// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import BatchStore
import Loops

// What the Claim room does.
extension CallDesk {
    /// What is on hand; from now on a shortage below `lowWater` wakes the Claim room only after ``expectMore(_:)``.
    var hand: ClaimPlan.Hand {
        read { state in
            ClaimPlan.Hand(
                startable: state.queue.startable, unfinished: state.queue.unfinished,
                inFlight: state.queue.inFlight, bytes: state.queue.heldBytes, finished: state.finished,
                liveStartable: state.queue.liveStartable)
        }
    }

    /// The batches of which a shard is on hand.
    var batches: [BatchID] { read { $0.queue.batches } }

    /// Lines on hand that may start, of those whose route `isServed`.
    func startable(at isServed: (Route) -> Bool) -> Int { read { $0.queue.startable(where: isServed) } }

    /// Whether the store may have more shards than were claimed, and below how many startable lines to ask again.
    func expectMore(_ mayClaimMore: Bool, lowWater: Int) {
        change { state, errands in
            state.mayClaimMore = mayClaimMore
            state.lowWater = lowWater
            errands.wakesClaim = state.wantsClaim
        }
    }

    /// Whether the store may have more live shards than were claimed, and below how many startable live lines to ask
    /// again.
    func expectMoreLive(_ mayClaimMore: Bool, lowWater: Int) {
        change { state, errands in
            state.mayClaimLive = mayClaimMore
            state.liveLowWater = lowWater
            errands.wakesClaim = state.wantsClaim
        }
    }

    /// Shards are said to be ready: such that somebody waits for, or others.
    func hear(live: Bool, others: Bool) {
        change { state, errands in
            state.claimNews.live = state.claimNews.live || live
            state.claimNews.others = state.claimNews.others || others
            errands.wakesClaim = true
        }
    }

    /// What was heard since the last look; all of it when nothing was: then it was time to look unasked.
    func takeClaimNews() -> (live: Bool, others: Bool) {
        change { state, _ in
            defer { state.claimNews = (false, false) }
            return state.claimNews == (false, false) ? (true, true) : state.claimNews
        }
    }

    /// Takes in a shard whose claim was sent at `claimedAt`.
    func add(_ claim: ClaimedShard, routes: [Route], lines: PackedLines, claimedAt: ContinuousClock.Instant) {
        change { state, errands in
            let serial = state.queue.add(claim, routes: routes, lines: lines, claimedAt: claimedAt)
            state.buffer.open(
                serial: serial, lease: claim.lease, done: claim.done, moved: claim.moved, isLive: claim.lane == .live)
            if state.isQuiet {
                // Claimed while the worker was told to stop: nothing of it was started, it goes straight back.
                state.queue.close(serial, .draining, abortAt: .now)
                errands.wakesRecord = true
            }
            errands.pumps = true
            errands.wakesClock = true
        }
    }

    /// Every lease to renew.
    var leases: [Lease] { read { $0.queue.leases } }

    /// Takes in the answer to a renewal of `asked` that was sent at `sentAt`; returns the shards that were lost.
    func renewed(_ asked: [Lease], _ renewals: [LeaseRenewal], sentAt: ContinuousClock.Instant) -> [LostShard] {
        let answers = Dictionary(renewals.map { ($0.lease, $0) }, uniquingKeysWith: { $1 })
        let grace = cancelGrace
        return change { state, errands in
            var lost: [LostShard] = []
            errands.pumps = true
            for lease in asked {
                guard let serial = state.queue.serial(of: lease) else { continue }
                guard let renewal = answers[lease] else {
                    // A checkpoint or a release under way may have ended the lease in good order: its answer decides.
                    if state.buffer.isTaken(serial: serial) || state.releasing.contains(serial) { continue }
                    if let shard = state.lose(serial, &errands) { lost.append(shard) }
                    continue
                }
                state.queue.confirm(lease, at: sentAt)
                if renewal.batchStatus != .inProgress {
                    state.queue.close(serial, .batchStopped, abortAt: .now + grace)
                } else if renewal.isPaused, let windowEnds = state.queue.shard(serial)?.windowEnds {
                    // What is in flight is paid for: it may end.
                    state.queue.close(serial, .batchPaused, abortAt: windowEnds)
                } else {
                    continue
                }
                errands.wakesRecord = true
                errands.wakesClock = true
            }
            return lost
        }
    }
}

// What the Record room does.
extension CallDesk {
    /// The checkpoints to write now, of live shards or of the others, or of both when nil; `all` takes everything there
    /// is.
    func takeCheckpoints(all: Bool = false, isLive: Bool? = nil) -> [OutcomeBuffer.Taken] {
        change { state, _ in
            // A division decides whether a checkpoint is its shard's last: it comes first.
            state.buffer.take(
                at: .now, eager: Set(state.queue.idleClosing), all: all, except: Set(state.divisions.keys),
                isLive: isLive)
        }
    }

    /// Takes in the answer to checkpoints that were sent at `sentAt`; returns the shards that were lost.
    func recorded(
        _ taken: [OutcomeBuffer.Taken], written: Set<Lease>, sentAt: ContinuousClock.Instant
    ) -> [LostShard] {
        change { state, errands in
            var lost: [LostShard] = []
            errands.pumps = true
            for item in taken {
                if !written.contains(item.checkpoint.lease) {
                    if let shard = state.lose(item.serial, &errands) { lost.append(shard) }
                } else if state.buffer.written(item) {
                    state.remove(item.serial, &errands)
                } else {
                    state.queue.confirm(item.checkpoint.lease, at: sentAt)
                    // Nothing keeps it from being given back now.
                    if state.queue.shard(item.serial)?.closing != nil { errands.wakesRecord = true }
                }
            }
            return lost
        }
    }

    /// Closing shards without a call in flight and without a result that is not recorded: to be given back now.
    func takeReleasable(all: Bool = false) -> [Lease] {
        change { state, _ in
            let serials = all ? state.queue.leases.compactMap(state.queue.serial(of:)) : state.queue.idleClosing
            let free = serials.filter {
                !state.buffer.hasResults(serial: $0) && state.divisions[$0] == nil
            }
            state.releasing.formUnion(free)
            return free.compactMap { state.queue.shard($0)?.lease }
        }
    }

    /// These were given back.
    func released(_ leases: [Lease]) {
        change { state, errands in
            for lease in leases {
                if let serial = state.queue.serial(of: lease) { state.remove(serial, &errands) }
            }
        }
    }

    /// How long until a result must be written, live or not; nil when none waits.
    func nextCheckpoint(isLive: Bool) -> Duration? {
        read { $0.buffer.nextDue(isLive: isLive) }.map { max($0 - .now, .zero) }
    }
}

// What is given to idle workers.
extension CallDesk {
    /// Gives something of what is startable beyond `keep` lines to idle workers; false when there is nothing to give.
    func share(keeping keep: Int) -> Bool {
        change { state, errands in
            guard !state.isQuiet else { return false }
            let before = state.queue.startable
            if let division = state.queue.share(keeping: keep, except: Set(state.divisions.keys), at: .now) {
                state.divisions[division.serial] = division
            }
            guard state.queue.startable < before else { return false }
            errands.wakesRecord = true
            return true
        }
    }

    /// Divisions to be written; each is kept until its fate is known.
    var divisions: [LineQueue.Division] { read { Array($0.divisions.values) } }

    /// Takes in the answer to a division; returns the shard when it was lost.
    func divided(_ division: LineQueue.Division, isRecorded: Bool) -> LostShard? {
        change { state, errands in
            state.divisions[division.serial] = nil
            guard isRecorded else { return state.lose(division.serial, &errands) }
            state.buffer.move(serial: division.serial, to: division.after)
            return nil
        }
    }
}

// Time, and the end.
extension CallDesk {
    /// Minds retries that are due, windows that have passed and graces that are over; returns when to come again.
    func tick() -> Duration? {
        let now = ContinuousClock.now
        let next = change { state, errands -> ContinuousClock.Instant? in
            var (next, abort) = state.queue.tick(at: now)
            for serial in abort { errands.aborts += state.handles(of: serial) }
            if state.queue.startable > 0, let opens = state.queue.opensAt(now) { next = min(next ?? opens, opens) }
            state.clockDue = next
            errands.pumps = true
            errands.wakesRecord = !state.queue.idleClosing.isEmpty
            return next
        }
        return next.map { max($0 - now, .zero) }
    }

    /// Something outside changed what backends take: lines may be startable.
    func reconsider() {
        change { _, errands in errands.pumps = true }
    }

    /// Starts nothing more; calls in flight may go on until `deadline`, everything else is given back.
    func quiet(until deadline: ContinuousClock.Instant) {
        change { state, errands in
            state.isQuiet = true
            state.queue.closeAll(.draining, abortAt: deadline)
            errands.wakesRecord = true
            errands.wakesClock = true
            errands.isEmpty = state.queue.count == 0
        }
    }

    /// Aborts every call; nothing starts any more.
    func close() {
        change { state, errands in
            state.isQuiet = true
            state.isClosed = true
            errands.aborts = state.calls.compactMap { $0?.handle }
        }
    }
}
