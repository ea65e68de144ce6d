// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A PostgreSQL cluster of the tests' own: in a temporary folder, reachable through a Unix socket only, not durable.
///
/// It dies with the test process, however that ends: a watcher shell holds the read end of a pipe whose write end is
/// here,
/// and stops and removes the cluster when the pipe closes. When `SHARDLINE_TEST_DATABASE_URL` is set, the server behind
/// that URL is used instead; then `stop`, `kill` and `restart` are refused.
package final class PrivatePostgres: Sendable {
    /// Environment variable naming a server to use instead of a private one.
    package static let environmentKey = "SHARDLINE_TEST_DATABASE_URL"

    /// Whether clusters are private, so that tests may stop and kill them.
    package static var isPrivate: Bool { externalURL == nil }

    /// Made once, a failure too, so that a hundred tests do not try a hundred times.
    private static let sharedCluster = Result { try start() }
    private static let databaseNumber = Atomic<UInt64>(0)

    private let place: Place

    private enum Place: Sendable {
        case cluster(Cluster)
        case external(url: String)
    }

    private init(_ place: Place) {
        self.place = place
    }

    deinit {
        if case .cluster(let cluster) = place { cluster.release() }
    }

    /// A new cluster (or the server of the environment variable). Takes about two seconds.
    package static func start() throws -> PrivatePostgres {
        if let externalURL { return PrivatePostgres(.external(url: externalURL)) }
        return PrivatePostgres(.cluster(try Cluster.create()))
    }

    /// The one cluster that the tests of a process share; started by the first call, stopped when the process ends.
    /// Do not stop or kill it: other tests use it at the same time.
    package static func shared() throws -> PrivatePostgres {
        try sharedCluster.get()
    }

    /// The connection URL of a database in this cluster.
    package func url(database: String) -> String {
        switch place {
        case .cluster(let cluster): return "postgresql://postgres@/\(database)?host=\(cluster.socketFolder)"
        case .external(let url): return Self.replaceDatabase(in: url, with: database)
        }
    }

    /// Creates an empty database with a fresh name and returns its URL.
    package func createDatabase() throws -> String {
        let number = Self.databaseNumber.wrappingAdd(1, ordering: .relaxed).newValue
        let name = "shardline_test_\(getpid())_\(number)"
        try runScript("create database \(name)")
        return url(database: name)
    }

    /// Process id of the postmaster; nil when it does not run or is not ours.
    package var pid: Int32? {
        guard case .cluster(let cluster) = place else { return nil }
        return cluster.postmaster
    }

    /// Starts a standby of this cluster; from then on a commit that waits for the disk waits for the standby's, too.
    package func startStandby() throws -> PrivatePostgres {
        let standby = PrivatePostgres(.cluster(try Cluster.standby(of: cluster())))
        try runScript("alter system set synchronous_standby_names = '*'")
        try runScript("select pg_reload_conf()")
        return standby
    }

    /// Makes this standby a primary; returns when it accepts writes.
    package func promote() throws { try cluster().promote() }

    /// The connection URL of a database that is in this cluster or, after a failover, in `other`.
    package func url(database: String, or other: PrivatePostgres) throws -> String {
        let folders = [try cluster().socketFolder, try other.cluster().socketFolder].joined(separator: ",")
        return "postgresql://postgres@/\(database)?host=\(folders)"
    }

    /// Stops the cluster in PostgreSQL's mode `fast`: open sessions are terminated. Returns when it is down.
    package func stop() throws { try cluster().stop(mode: "fast") }

    /// Kills the postmaster with SIGKILL, as a crash would; the backends notice and leave by themselves.
    package func kill() throws { try cluster().kill() }

    /// Starts the cluster, stopping it first when it runs. Returns when it accepts connections.
    package func restart() throws { try cluster().restart() }

    /// Runs SQL with psql, outside every pool under test.
    package func runScript(_ sql: String, database: String = "postgres") throws {
        let target = url(database: database)
        let arguments = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname=\(target)", "--command=\(sql)"]
        try Command(program: try Programs.path(of: "psql"), arguments: arguments, output: nil).run()
    }

    private func cluster() throws -> Cluster {
        guard case .cluster(let cluster) = place else {
            throw PrivatePostgresError("the server of \(Self.environmentKey) is not ours to stop")
        }
        return cluster
    }

    private static var externalURL: String? {
        getenv(environmentKey).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func replaceDatabase(in url: String, with database: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return "\(url) dbname=\(database)" }
        let rest = url[scheme.upperBound...]
        let query = rest.firstIndex(of: "?") ?? rest.endIndex
        let authority = rest[..<query].prefix { $0 != "/" }
        return "\(url[..<scheme.upperBound])\(authority)/\(database)\(rest[query...])"
    }
}

/// Why the tests have no PostgreSQL.
package struct PrivatePostgresError: Error, CustomStringConvertible {
    /// What failed, with the output of the program that failed.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
