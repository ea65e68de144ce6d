// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres

/// What a worker says of a backend whose calls are limited over all workers.
package struct ShareAsk: Hashable, Sendable {
    /// The backend's name, the same in the configuration of every worker.
    package var backend: String
    /// Calls that all workers together may have in flight to it.
    package var cap: Int
    /// Calls that this worker has in flight to it now.
    package var inFlight: Int
    /// Calls that it could have in flight now, those in flight included: 0 when it has no line for the backend.
    package var wanted: Int
    /// The grant that it goes by now, read in the same moment as ``inFlight``; 0 before the first and after one that
    /// ran out. Until it has said that it goes by a smaller one, the places of a larger one stay reserved for it.
    package var share: Int

    /// What a worker says of a backend.
    package init(backend: String, cap: Int, inFlight: Int, wanted: Int, share: Int) {
        self.backend = backend
        self.cap = cap
        self.inFlight = inFlight
        self.wanted = wanted
        self.share = share
    }
}

extension Store {
    /// How long a place stays with a worker when there are more workers than places.
    private static let turn = 5

    /// Notes what a worker asks for and returns what it gets.
    ///
    /// The backend's row is locked until the commit, so workers are served one after another and each sees what the
    /// others reserve: no interleaving hands a place out twice.
    static func share(_ ask: ShareAsk, _ worker: WorkerID, _ silence: Duration, _ session: Session) throws -> Int {
        try lockBackend(ask, session)
        try forgetSilent(ask, worker, silence, session)
        let rows = try session.query(
            """
            select s.worker_id, s.reserved, s.wanted, s.in_flight,
                floor(extract(epoch from clock_timestamp()) / \(turn))::int8 as turn
            from (select worker_id, reserved, wanted, in_flight from backend_shares
                where backend = \(ask.backend) and worker_id <> \(worker.rawValue)
                union all select \(worker.rawValue), 0, \(Int32(clamping: ask.wanted)), \(Int32(clamping: ask.inFlight))
            ) s order by s.worker_id collate "C"
            """)
        var wanted: [Int] = []
        var reserved = 0
        var mine = 0
        var turn = 0
        for row in rows {
            if try row["worker_id", as: String.self] == worker.rawValue { mine = wanted.count }
            wanted.append(try row["wanted", as: Int.self])
            reserved += try row["reserved", as: Int.self]
            turn = try row["turn", as: Int.self]
        }
        let fair = FairShares(places: ask.cap, turn: turn).shares(wanted: wanted)[mine]
        let granted = max(min(fair, ask.cap - reserved), 0)
        try note(ask, worker, granted: granted, reserved: max(granted, ask.inFlight, ask.share), session)
        return granted
    }

    private static func lockBackend(_ ask: ShareAsk, _ session: Session) throws {
        let cap = Int32(clamping: ask.cap)
        let rows = try session.query("select cap from backends where name = \(ask.backend) for update")
        if try rows.first?["cap", as: Int32.self] == cap { return }
        try session.execute(
            """
            insert into backends (name, cap) values (\(ask.backend), \(cap))
            on conflict (name) do update set cap = excluded.cap
            """)
    }

    /// Drops the rows of workers that say nothing any more.
    ///
    /// After an outage of the database everybody has been silent: a worker whose own last word is that old drops nobody
    /// and leaves it to its next heartbeat, when the others have had time to speak.
    private static func forgetSilent(
        _ ask: ShareAsk, _ worker: WorkerID, _ silence: Duration, _ session: Session
    ) throws {
        try session.execute(
            """
            delete from backend_shares s
            where s.backend = \(ask.backend) and s.worker_id <> \(worker.rawValue)
              and s.heartbeat_at < clock_timestamp() - \(silence) and not exists (
                  select 1 from backend_shares m
                  where m.backend = \(ask.backend) and m.worker_id = \(worker.rawValue)
                    and m.heartbeat_at < clock_timestamp() - \(silence))
            """)
    }

    /// Writes the worker's row. A commit that raises nothing does not wait for the disk: after a crash of the database
    /// the row would say more than the worker has, never less.
    private static func note(
        _ ask: ShareAsk, _ worker: WorkerID, granted: Int, reserved: Int, _ session: Session
    ) throws {
        let raises = granted > ask.share
        try session.execute(
            """
            insert into backend_shares (backend, worker_id, granted, reserved, in_flight, wanted, heartbeat_at)
            values (\(ask.backend), \(worker.rawValue), \(Int32(clamping: granted)), \(Int32(clamping: reserved)),
                \(Int32(clamping: ask.inFlight)), \(Int32(clamping: ask.wanted)), clock_timestamp())
            on conflict (backend, worker_id) do update set granted = excluded.granted, reserved = excluded.reserved,
                in_flight = excluded.in_flight, wanted = excluded.wanted, heartbeat_at = excluded.heartbeat_at
            returning case when not \(raises) then set_config('synchronous_commit', 'off', true) end
            """)
    }
}
