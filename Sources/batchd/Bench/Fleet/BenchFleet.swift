// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchStore
import Curl
import Glibc
import Logging
import Loops
import Synchronization

/// The product as it runs in earnest: PostgreSQL, a coordinator and a worker, each a process of its own, and a client.
final class BenchFleet: Sendable {
    /// What a fleet is made of besides its defaults.
    struct Plan: Sendable {
        /// Where the fresh directory is made.
        var parent: String
        /// Folder of PostgreSQL's programs; empty searches.
        var postgresPrograms = ""
        /// The backend's base URL; nil runs the built-in model.
        var backend: String?
        /// Calls in flight of the worker.
        var concurrency = 256
        /// Settings of coordinator and worker, `name=value`.
        var assignments: [String] = []
        /// Whether the directory stays behind.
        var keepsDirectory = false
    }

    /// Where everything is.
    let directory: BenchDirectory
    private let plan: Plan
    private let cluster: PrivateCluster
    private let environment: [String: String]
    private let key: ProjectKey
    private let engine: CurlEngine
    private let running = Mutex((coordinator: BenchProcess?.none, worker: BenchProcess?.none))

    private init(
        directory: BenchDirectory, plan: Plan, cluster: PrivateCluster, environment: [String: String], key: ProjectKey
    ) {
        self.directory = directory
        self.plan = plan
        self.cluster = cluster
        self.environment = environment
        self.key = key
        engine = CurlEngine(EngineConfiguration(connectionsMax: 8, threadName: "bench"))
    }

    /// Runs `body` with a fleet that has a migrated database and no processes besides; takes everything down after it.
    ///
    /// - Parameter environment: ours; what begins with `SHARDLINE_` stays with us, so that only the plan counts.
    static func with<Value: Sendable>(
        _ plan: Plan, environment: [String: String], _ body: (BenchFleet) async throws -> Value
    ) async throws -> Value {
        let directory = try BenchDirectory.make(in: plan.parent)
        let result: Result<Value, any Error>
        do {
            result = .success(try await inside(directory, plan, environment: environment, body))
        } catch {
            result = .failure(error)
        }
        if plan.keepsDirectory {
            StandardErrorLog.write("kept: \(directory.path)\n")
        } else {
            directory.remove()
        }
        return try result.get()
    }

    private static func inside<Value: Sendable>(
        _ directory: BenchDirectory, _ plan: Plan, environment: [String: String],
        _ body: (BenchFleet) async throws -> Value
    ) async throws -> Value {
        let logger = StandardErrorLog.logger("bench", LogSettings(level: .warning))
        let cluster = try await PrivateCluster.start(
            try DataDirectory.open(directory.data), programs: plan.postgresPrograms, environment: environment,
            logger: logger)
        do {
            let key = try await prepare(url: cluster.connectionString, logger: logger)
            let plain = environment.filter { !$0.key.hasPrefix("SHARDLINE_") }
            let fleet = BenchFleet(
                directory: directory, plan: plan, cluster: cluster, environment: plain, key: key)
            do {
                let value = try await body(fleet)
                await fleet.stop()
                await cluster.stop()
                return value
            } catch {
                await fleet.stop()
                throw error
            }
        } catch {
            await cluster.stop()
            throw error
        }
    }

    /// The schema, a project and a key for it.
    private static func prepare(url: String, logger: Logger) async throws -> ProjectKey {
        let store = Assembly(settings: Settings(), logger: logger).store(url: url, isPatient: true)
        do {
            _ = try await store.migrate()
            let key = ProjectKey.random()
            try await store.insertAPIKey(
                project: try await store.ensureProject(name: "bench"), sha256: key.sha256, prefix: key.shownPrefix,
                name: "bench")
            await store.close()
            return key
        } catch {
            await store.close()
            throw error
        }
    }

    /// The processes that run now, the bench included.
    var processes: BenchedProcesses {
        let (coordinator, worker) = running.withLock { ($0.coordinator?.child.pid, $0.worker?.child.pid) }
        return BenchedProcesses(
            coordinator: coordinator, worker: worker, postgres: cluster.serverProcess, client: getpid())
    }
}

// What a bench starts and stops.
extension BenchFleet {
    /// Starts a coordinator, waits until it serves, and returns a client of it.
    func startCoordinator() async throws -> Client {
        let process = try start(
            "coordinator",
            [
                "--host", "127.0.0.1", "--port", "0", "--vault", directory.vault,
                "--set", "coordinator.spool_directory=\(directory.spool)",
            ])
        running.withLock { $0.coordinator = process }
        let url = try await process.ready("shardline coordinator ready url=")
        return Client(address: try ServerAddress(url), apiKey: key.text, engine: engine)
    }

    /// Starts a worker and waits until it begins.
    func startWorker() async throws {
        var arguments = ["--concurrency", String(plan.concurrency)]
        if let backend = plan.backend { arguments += ["--backend", backend] }
        let process = try start("worker", arguments)
        running.withLock { $0.worker = process }
        _ = try await process.ready("shardline worker ready ")
    }

    /// Stops the worker in order and returns its account of where its time went.
    func stopWorker() async throws -> WorkerAccount {
        guard let worker = takeWorker() else { throw BenchFault("no worker runs that could be stopped") }
        await worker.stop()
        guard let fields = worker.logged("the worker ends"), let account = WorkerAccount(fields) else {
            throw BenchFault("the worker ended without its account:\n\(DirectoryEntries.tail(of: worker.outputPath))")
        }
        return account
    }

    /// Kills the worker without a warning.
    func killWorker() async throws {
        try await takeWorker()?.kill9()
    }

    /// Kills the coordinator without a warning.
    func killCoordinator() async throws {
        try await takeCoordinator()?.kill9()
    }

    /// Stops whatever runs: the worker first, which has something to record.
    func stop() async {
        await takeWorker()?.stop()
        await takeCoordinator()?.stop()
    }

    private func takeWorker() -> BenchProcess? {
        running.withLock { running in
            defer { running.worker = nil }
            return running.worker
        }
    }

    private func takeCoordinator() -> BenchProcess? {
        running.withLock { running in
            defer { running.coordinator = nil }
            return running.coordinator
        }
    }

    private func start(_ role: String, _ arguments: [String]) throws -> BenchProcess {
        let common = [role, "--database-url", cluster.connectionString, "--log-format", "json"]
        let assignments = plan.assignments.flatMap { ["--set", $0] }
        return try BenchProcess(
            role, common + arguments + assignments, environment: environment, directory: directory)
    }
}
