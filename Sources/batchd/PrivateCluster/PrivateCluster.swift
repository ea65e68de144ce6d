// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import Loops
import ServiceLifecycle
import Synchronization

/// A PostgreSQL of our own inside the data directory: the database of `batchd standalone`.
///
/// `start` brings it up (making the cluster at first); `run` keeps it up, starting it again when it dies, and stops it
/// at graceful shutdown or cancellation. The first service of the group, so that it is the last to stop.
final class PrivateCluster: Service {
    private let server: ClusterServer
    private let logger: Logger
    private let child = Mutex<ChildProcess?>(nil)

    /// Waits between restarts of a server that keeps dying.
    private static let backoff = Backoff(first: .milliseconds(500), max: .seconds(30))
    /// A server that lived this long had started well: its death begins a new count.
    private static let steadyAfter = Duration.seconds(60)
    /// Longest time for a killed server's first process to be gone.
    private static let crashLimit = Duration.seconds(20)
    /// Restarts in a row that may fail before batchd gives up.
    private static let restartsMax = 10

    private init(server: ClusterServer, logger: Logger) {
        self.server = server
        self.logger = logger
    }

    /// Finds the programs, makes the cluster when there is none, clears what an earlier run left, and starts the
    /// server. The caller holds the directory's lock.
    ///
    /// - Parameters:
    ///   - programs: the folder of the server programs; empty searches.
    ///   - environment: ours; PATH is passed on and nothing else.
    static func start(
        _ directory: DataDirectory, programs: String, environment: [String: String], logger: Logger
    ) async throws -> PrivateCluster {
        let path = environment["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        // Not ours: PGDATA, PGPORT and the like would reach into the server.
        let plain = ["PATH": path, "LC_ALL": "C"]
        let user = try ServerUser.choose(for: directory)
        try makeFolder(directory.postgres, for: user)
        let passes = try await DirectoryPassage(user: user, environment: plain).needsCapability(to: directory.postgres)
        let version = DirectoryEntries.text(of: directory.cluster + "/PG_VERSION").flatMap {
            Int($0.prefix { $0.isNumber })
        }
        let found = try await ServerPrograms.find(configured: programs, wanted: version, environment: plain)
        try await ClusterSetup(
            directory: directory, programs: found, user: user, passesDirectories: passes, environment: plain,
            logger: logger
        ).run()
        let server = ClusterServer(
            directory: directory, programs: found, user: user, passesDirectories: passes,
            socketDirectory: try SocketDirectory.prepare(directory, user: user), environment: plain, logger: logger)
        let cluster = PrivateCluster(server: server, logger: logger)
        let child = try await server.start()
        cluster.child.withLock { $0 = child }
        logger.info(
            "private PostgreSQL is ready",
            metadata: ["pid": "\(child.pid)", "version": "\(found.major)", "user": "\(user.name)"])
        return cluster
    }

    /// How libpq reaches it.
    var connectionString: String {
        ServerConfiguration.connectionString(socketDirectory: server.socketDirectory)
    }

    /// How libpq reaches the cluster of a standalone batchd that may be running there; nil when there never was one.
    static func connectionString(in directory: DataDirectory) -> String? {
        guard DirectoryEntries.status(directory.cluster) != nil else { return nil }
        return SocketDirectory.current(directory).map { ServerConfiguration.connectionString(socketDirectory: $0) }
    }

    /// The server's process id; nil when it does not run.
    var serverProcess: Int32? {
        child.withLock { child in child?.ending == nil ? child?.pid : nil }
    }

    /// Keeps the server running until graceful shutdown or cancellation, then stops it.
    ///
    /// - Throws: ``PrivateClusterError`` when the server keeps dying.
    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await self.supervise() }
        } catch is CancellationError {
            // Told to stop in mid-restart.
        }
        await stop()
    }

    /// Stops the server; harmless when it does not run.
    func stop() async {
        guard let running = child.withLock({ $0 }), running.ending == nil else { return }
        let ending = await server.stop(running)
        logger.info("private PostgreSQL has stopped", metadata: ["ending": "\(ending.map(String.init) ?? "none")"])
    }

    /// Ends the server the hard way, as a failure would, and returns when its first process is gone; harmless when it
    /// does not run. Nobody starts it again unless ``run()`` or ``startAgain()`` does.
    ///
    /// - Parameter number: SIGQUIT ends it without a checkpoint (an immediate shutdown), SIGKILL without a word.
    func crash(_ number: Int32) async throws {
        guard let running = child.withLock({ $0 }), running.ending == nil else { return }
        running.signal(number)
        guard await running.wait(upTo: Self.crashLimit) != nil else {
            try Task.checkCancellation()
            throw PrivateClusterError(.failed, "PostgreSQL outlived signal \(number) by \(Self.crashLimit)")
        }
    }

    /// Starts the server that has ended; returns when it accepts connections, recovery included.
    func startAgain() async throws {
        let fresh = try await server.start()
        child.withLock { $0 = fresh }
    }

    /// Returns when cancelled.
    private func supervise() async throws {
        var deaths = 0
        while !Task.isCancelled {
            let started = ContinuousClock.now
            guard let running = child.withLock({ $0 }) else { return }
            var ending: ChildProcess.Ending?
            while ending == nil {
                ending = await running.wait(upTo: .seconds(3_600))
                if Task.isCancelled { return }
            }
            if ContinuousClock.now - started > Self.steadyAfter { deaths = 0 }
            logger.error(
                "PostgreSQL died and is started again",
                metadata: ["ending": "\(ending.map(String.init) ?? "")", "log": "\(server.directory.serverLog)"])
            try await restart(&deaths)
        }
    }

    private func restart(_ deaths: inout Int) async throws {
        while true {
            deaths += 1
            try await Task.sleep(for: Self.backoff.ceiling(attempt: deaths))
            do {
                let fresh = try await server.start()
                child.withLock { $0 = fresh }
                logger.notice("PostgreSQL runs again", metadata: ["pid": "\(fresh.pid)"])
                return
            } catch let error as PrivateClusterError where deaths < Self.restartsMax {
                logger.error("PostgreSQL cannot be started", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Only this folder belongs to the server's user, never the data directory itself.
    private static func makeFolder(_ path: String, for user: ServerUser) throws {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw PrivateClusterError.system("make", path, code: errno)
        }
        guard user.isOther else { return }
        guard lchown(path, user.uid, user.gid) == 0 else {
            throw PrivateClusterError.system("give away", path, code: errno)
        }
    }
}
