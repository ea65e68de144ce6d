// SPDX-License-Identifier: Apache-2.0

package import Logging
package import Postgres

/// Everything the service remembers, in PostgreSQL. Every SQL statement is a method of this type, one file each.
///
/// A cheap value around a pool; copies share the pool. Methods throw ``BatchCore/BatchError`` for what a user did, and
/// `PostgresError` for what the database did.
package struct Store: Sendable {
    /// Where the statements run.
    let pool: ConnectionPool
    /// How the pool was configured; listeners open connections of their own with it.
    let configuration: PoolConfiguration

    /// What claiming shards costs this process, in processor time.
    package let claimCPU = CPUMeter()
    /// What recording results costs this process, in processor time.
    package let recordCPU = CPUMeter()

    /// A store on the database that `configuration` names; connects on first use.
    package init(configuration: PoolConfiguration, logger: Logger) {
        self.pool = ConnectionPool(configuration, logger: logger)
        self.configuration = configuration
    }

    /// Waits for running statements and closes every connection.
    package func close() async {
        await pool.close()
    }

    /// Proves that the database answers.
    package func ping() async throws {
        try await pool.run { session in _ = try session.query("select 1") }
    }

    /// Hints that something changed, on a connection of its own; rows are the truth.
    package func listener(channels: [String], logger: Logger) throws -> NotificationListener {
        try NotificationListener(configuration: configuration, channels: channels, logger: logger)
    }
}

/// The NOTIFY channels. Payloads are hints only: a listener that missed one finds the same in the rows.
package enum Signals {
    /// Shards became ready: workers claim. Payload: the batch id or empty.
    package static let shards = "shardline_shards"
    /// A worker is idle while others hold shards: those give lines of theirs away. Payload: the idle worker's id.
    package static let hungry = "shardline_hungry"
    /// Outcomes of held requests were recorded: coordinators read them. Payload: which, see ``LiveNews``.
    package static let live = "shardline_live"
    /// The payload of ``shards`` when it was held requests that became ready: workers with enough on hand claim too.
    package static let liveShards = "live"
    /// A batch changed: workers re-check their leases, coordinators look for duties. Payload: the batch id.
    package static let batches = "shardline_batches"
    /// An event was committed: coordinators look for deliveries. Payload: empty.
    package static let events = "shardline_events"
    /// Events got their places in the stream: consumers look. Payload: the project's id.
    package static let published = "shardline_published"
}
