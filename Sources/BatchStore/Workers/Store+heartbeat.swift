// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// What a worker says of itself.
package struct WorkerRecord: Hashable, Sendable {
    /// New at each start.
    package var id: WorkerID
    /// The machine's name.
    package var host: String
    /// The process.
    package var pid: Int32
    /// The program's version.
    package var version: String
    /// Calls it may have in flight.
    package var capacity: Int32
    /// Calls it has in flight.
    package var inFlight: Int32
    /// Whether it is on its way out.
    package var isDraining: Bool

    /// What a worker says of itself.
    package init(
        id: WorkerID, host: String, pid: Int32, version: String, capacity: Int32, inFlight: Int32, isDraining: Bool
    ) {
        self.id = id
        self.host = host
        self.pid = pid
        self.version = version
        self.capacity = capacity
        self.inFlight = inFlight
        self.isDraining = isDraining
    }
}

extension Store {
    /// How long a worker may be silent before its places go to others, unless told otherwise.
    package static let shareSilence = Duration.milliseconds(1_500)

    /// Says that the worker lives, and returns what it may have in flight to each backend that `asks` names, over which
    /// all workers together keep the cap. Leases do not depend on it.
    ///
    /// A grant holds until the next one, and at most for `silence` after the heartbeat was sent: the worker starts no
    /// call to the backend after that, because its places are given to others. (see ``ShareAsk``)
    @discardableResult
    package func heartbeat(
        _ worker: WorkerRecord, asks: [ShareAsk] = [], silence: Duration = shareSilence
    ) async throws -> [String: Int] {
        try await pool.run { session in
            // Nobody minds when a crash of the database loses this: the commit need not wait for the disk.
            try session.execute(
                """
                insert into workers (id, host, pid, version, capacity, in_flight, draining)
                values (\(worker.id.rawValue), \(worker.host), \(worker.pid), \(worker.version), \(worker.capacity),
                    \(worker.inFlight), \(worker.isDraining))
                on conflict (id) do update set capacity = excluded.capacity, in_flight = excluded.in_flight,
                    draining = excluded.draining, heartbeat_at = clock_timestamp()
                returning set_config('synchronous_commit', 'off', true)
                """)
        }
        var grants: [String: Int] = [:]
        for ask in asks {
            grants[ask.backend] = try await pool.transaction { session in
                try Self.share(ask, worker.id, silence, session)
            }
        }
        return grants
    }

    /// Forgets a worker that ends in good order; its places are free at once.
    package func removeWorker(_ id: WorkerID) async throws {
        try await pool.run { session in
            try session.execute("delete from backend_shares where worker_id = \(id.rawValue)")
            try session.execute("delete from workers where id = \(id.rawValue)")
        }
    }

    /// Forgets workers that have said nothing for `silence`, and what they had of backends; returns how many.
    package func pruneWorkers(silence: Duration) async throws -> Int {
        try await pool.run { session in
            try session.execute(
                """
                delete from backend_shares where (backend, worker_id) in (
                    select backend, worker_id from backend_shares where heartbeat_at < clock_timestamp() - \(silence)
                    for update skip locked)
                """)
            return try session.execute("delete from workers where heartbeat_at < clock_timestamp() - \(silence)")
        }
    }
}
