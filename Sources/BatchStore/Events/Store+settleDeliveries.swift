// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// How one attempt ended, and what follows from it.
package struct DeliverySettlement: Sendable {
    /// What follows.
    package enum Sequel: Hashable, Sendable {
        /// The receiver took it.
        case delivered
        /// Try again after this long.
        case again(after: Duration)
        /// No more attempts.
        case exhausted
        /// No more attempts, and no more deliveries to this endpoint: the receiver said that it wants none.
        case gone
    }

    /// What was attempted.
    package var duty: DeliveryDuty
    /// What follows.
    package var sequel: Sequel
    /// How long nothing else is sent to a target that failed; at least the usual pause after so many failures.
    package var hold: Duration
    /// What the receiver answered; nil when it did not.
    package var statusCode: Int32?
    /// How long the attempt took.
    package var latency: Duration
    /// Why it failed; nil when it did not.
    package var error: String?
    /// The first bytes of the answer; nil when there was none.
    package var answer: [UInt8]?

    /// How an attempt ended.
    package init(
        duty: DeliveryDuty, sequel: Sequel, hold: Duration = .zero, statusCode: Int32?, latency: Duration,
        error: String?, answer: [UInt8]?
    ) {
        self.duty = duty
        self.sequel = sequel
        self.hold = hold
        self.statusCode = statusCode
        self.latency = latency
        // PostgreSQL keeps no NUL in a text, and one odd answer must not keep all others from being recorded.
        self.error = error.map { String($0.unicodeScalars.filter { $0 != "\0" }) }
        self.answer = answer
    }

    fileprivate var isFailure: Bool { sequel != .delivered }
    fileprivate var isEndpointFailure: Bool { isFailure && duty.kind == .endpoint }
    fileprivate var status: DeliveryStatus {
        switch sequel {
        case .delivered: .delivered
        case .again: .pending
        case .exhausted, .gone: .exhausted
        }
    }
    fileprivate var waitMicroseconds: Int64 {
        if case .again(let wait) = sequel { wait.wholeMicroseconds } else { 0 }
    }
    fileprivate var latencyMilliseconds: Int32 {
        Int32(clamping: latency.components.seconds * 1_000 + latency.components.attoseconds / 1_000_000_000_000_000)
    }
}

extension Duration {
    fileprivate var wholeMicroseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}

extension Store {
    /// The pause after the first failure of a target; it doubles with every further one.
    private static let holdFirst = Duration.seconds(1)
    /// Longest pause that comes from failures alone.
    private static let holdMax = Duration.seconds(60)

    /// Records how attempts ended, in one transaction: rows that are no longer this owner's attempt stay as they are.
    ///
    /// Whoever changes endpoints, targets and deliveries locks them in that order. That a URL failed which is not the
    /// endpoint's any more says nothing about the present one, which is tried at once.
    ///
    /// - Parameter disableAfter: an endpoint whose attempts fail for this long is disabled.
    /// - Returns: endpoints that were disabled, with the reason.
    package func settleDeliveries(
        _ settlements: [DeliverySettlement], owner: CoordinatorID, disableAfter: Duration
    ) async throws -> [(endpoint: EndpointID, reason: String)] {
        guard !settlements.isEmpty else { return [] }
        // One order for all coordinators, so that two transactions never wait for each other in a circle.
        let ordered = settlements.sorted { ($0.duty.target, $0.duty.sequence) < ($1.duty.target, $1.duty.sequence) }
        return try await pool.transaction { session in
            // What a crash of the database forgets is attempted again, under the same id.
            _ = try session.query("select set_config('synchronous_commit', 'off', true)")
            let urls = try Self.lockEndpoints(ordered, session)
            let isOutdated = { (settlement: DeliverySettlement) -> Bool in
                settlement.isEndpointFailure && urls[settlement.duty.target] != settlement.duty.url
            }
            let telling = ordered.filter { !isOutdated($0) }
            try Self.settleTargets(telling, session)
            let told = ordered.map { settlement in
                var told = settlement
                if isOutdated(settlement) { told.sequel = .again(after: .zero) }
                return told
            }
            try Self.settle(told, owner, session)
            return try Self.disableEndpoints(telling, after: disableAfter, session)
        }
    }

    /// Locks the endpoints that failed, which may have to be disabled; returns their present URLs.
    private static func lockEndpoints(
        _ settlements: [DeliverySettlement], _ session: Session
    ) throws -> [String: String] {
        let failed = Set(settlements.filter(\.isEndpointFailure).map(\.duty.target)).sorted()
        guard !failed.isEmpty else { return [:] }
        let rows = try session.query(
            "select id, url from webhook_endpoints where id = any(\(failed)) order by id for no key update")
        return try Dictionary(
            rows.map { (try $0["id", as: String.self], try $0["url", as: String.self]) }
        ) { first, _ in first }
    }

    /// Gives deliveries back whose attempts were not begun or were broken off: they are due at once, and have the same
    /// place in the schedule. Rows that are no longer this owner's attempt stay as they are.
    package func releaseDeliveries(_ duties: [DeliveryDuty], owner: CoordinatorID) async throws {
        guard !duties.isEmpty else { return }
        let targets = Array(Set(duties.map(\.target)))
        try await pool.transaction { session in
            _ = try session.query(
                "select 1 from delivery_targets where id = any(\(targets)) order by id for no key update")
            _ = try session.execute(
                """
                update deliveries d set owner = null, owner_until = null,
                    round_attempts = greatest(d.round_attempts - 1, 0)
                from unnest(\(duties.map(\.sequence)), \(duties.map(\.attempts))) as b (seq, attempts)
                where d.seq = b.seq and d.attempts = b.attempts and d.owner = \(owner.rawValue)
                  and d.status = 'pending'
                """)
        }
    }

    /// Records attempts in one statement: a thousand that end together must not keep everybody else waiting.
    private static func settle(
        _ settlements: [DeliverySettlement], _ owner: CoordinatorID, _ session: Session
    ) throws {
        try session.execute(
            """
            with given as materialized (
                select seq, attempt, status, wait, nullif(code, -1) as code, latency, nullif(error, '') as error,
                    nullif(answer, '') as answer
                from unnest(\(settlements.map(\.duty.sequence)), \(settlements.map(\.duty.attempts)),
                    \(settlements.map(\.status.rawValue)), \(settlements.map(\.waitMicroseconds)),
                    \(settlements.map { $0.statusCode ?? -1 }), \(settlements.map(\.latencyMilliseconds)),
                    \(settlements.map { $0.error ?? "" }), \(settlements.map { $0.answer ?? [] }))
                as g (seq, attempt, status, wait, code, latency, error, answer)
            ), settled as (
                update deliveries d set status = g.status, owner = null, owner_until = null,
                    next_attempt_at = clock_timestamp() + g.wait * interval '1 microsecond',
                    last_status_code = g.code, last_latency_ms = g.latency, last_error = g.error,
                    settled_at = case when g.status <> 'pending' then clock_timestamp() end
                from given g
                where d.seq = g.seq and d.attempts = g.attempt and d.owner = \(owner.rawValue)
                  and d.status = 'pending'
                returning g.*
            )
            insert into delivery_attempts (delivery_seq, attempt, at, latency_ms, status_code, error, answer)
            select seq, attempt, clock_timestamp() - latency * interval '1 millisecond', latency, code, error, answer
            from settled
            on conflict (delivery_seq, attempt) do nothing
            """)
    }

    /// What attempts say about the health of their targets, in one statement.
    private static func settleTargets(_ settlements: [DeliverySettlement], _ session: Session) throws {
        let groups = Dictionary(grouping: settlements, by: \.duty.target).sorted { $0.key < $1.key }
        guard !groups.isEmpty else { return }
        let holds = groups.map { group in (group.value.map(\.hold).max() ?? .zero).wholeMicroseconds }
        // Of attempts that ended together one success is enough: the receiver lives; and their failures are one.
        let failed = groups.map { group in Int32(group.value.allSatisfy(\.isFailure) ? 1 : 0) }
        try session.execute(
            """
            with locked as materialized (
                select id from delivery_targets where id = any(\(groups.map(\.key))) order by id for no key update
            )
            update delivery_targets t set
                failures = case when g.failed = 1 then t.failures + 1 else 0 end,
                failing_since = case when g.failed = 1 then coalesce(t.failing_since, clock_timestamp()) end,
                succeeded_at = case when g.failed = 1 then t.succeeded_at else clock_timestamp() end,
                held_until = clock_timestamp() + greatest(g.hold * interval '1 microsecond', case when g.failed = 1
                    then least(\(holdMax), \(holdFirst) * (1 << least(t.failures, 10))) else interval '0' end)
            from locked l join unnest(\(groups.map(\.key)), \(failed), \(holds)) as g (id, failed, hold) on g.id = l.id
            where t.id = l.id
            """)
    }

    private static func disableEndpoints(
        _ settlements: [DeliverySettlement], after limit: Duration, _ session: Session
    ) throws -> [(endpoint: EndpointID, reason: String)] {
        let failed = settlements.filter(\.isEndpointFailure)
        let gone = Set(failed.filter { $0.sequel == .gone }.map(\.duty.target)).sorted()
        let others = Set(failed.map(\.duty.target)).subtracting(gone).sorted()
        guard !failed.isEmpty else { return [] }
        let rows = try session.query(
            """
            with disabled as (
                update webhook_endpoints w set disabled_at = clock_timestamp(), updated_at = clock_timestamp(),
                    disabled_reason = case when w.id = any(\(gone))
                        then 'the receiver answered 410: it wants no more events'
                        else 'every attempt has failed since '
                            || to_char(t.failing_since at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC' end
                from delivery_targets t
                where t.id = w.id and w.disabled_at is null and (w.id = any(\(gone)) or (w.id = any(\(others))
                    and t.failing_since <= clock_timestamp() - \(limit)))
                returning w.id, w.disabled_reason
            ), given_up as (
                update deliveries d set status = 'exhausted', settled_at = clock_timestamp(), owner = null,
                    owner_until = null, last_error = 'the endpoint was disabled: ' || x.disabled_reason
                from disabled x where d.target = x.id and d.status = 'pending'
            )
            select id, disabled_reason from disabled
            """)
        return try rows.map { (try $0.identifier("id"), try $0["disabled_reason", as: String.self]) }
    }
}
