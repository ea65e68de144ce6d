// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchStore
import Curl
import Glibc
import Logging
import Loops
import Synchronization

/// The product as it runs in earnest: PostgreSQL, coordinators and workers, each a process of its own, and a client.
///
/// Benches that need one coordinator and one worker use those of index 0.
final class BenchFleet: Sendable {
    /// What a fleet is made of besides its defaults.
    struct Plan: Sendable {
        /// Where the fresh directory is made.
        var parent: String
        /// Folder of PostgreSQL's programs; empty searches.
        var postgresPrograms = ""
        /// The backend's base URL; nil runs the built-in model.
        var backend: String?
        /// Further keys of that backend's entry in the configuration, such as `attempts_max`. With any, or with
        /// ``namesCallers``, workers get a configuration file; else the flag `--backend`.
        var backendKeys: [String: String] = [:]
        /// Whether every worker process calls the backend with its own name as its key.
        var namesCallers = false
        /// Calls in flight of each worker.
        var concurrency = 256
        /// Settings of all coordinators and workers, `name=value`.
        var assignments: [String] = []
        /// Whether the directory stays behind.
        var keepsDirectory = false
    }

    /// Where everything is.
    let directory: BenchDirectory
    private let plan: Plan
    /// PostgreSQL.
    let cluster: PrivateCluster
    /// What the processes get.
    let environment: [String: String]
    private let key: ProjectKey
    private let engine: CurlEngine
    private let state = Mutex(State())

    private struct State {
        var running: [FleetMember: BenchProcess] = [:]
        /// Processes started so far, by member: a part of their names.
        var generations: [FleetMember: Int] = [:]
        var keepsDirectory = false
        var backend: String?
    }

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
        let keeps = Mutex(plan.keepsDirectory)
        do {
            result = .success(
                try await inside(directory, plan, environment: environment) { fleet in
                    defer { keeps.withLock { $0 = $0 || fleet.keepsDirectory } }
                    return try await body(fleet)
                })
        } catch {
            result = .failure(error)
        }
        if keeps.withLock({ $0 }) {
            StandardErrorLog.write("kept: \(directory.path)\n")
        } else {
            directory.remove()
        }
        return try result.get()
    }

    /// As above, with a backend of the bench's own, which outlives all that calls it.
    static func with<Value: Sendable>(
        _ plan: Plan, backend: BackendPlan, environment: [String: String],
        _ body: (BenchFleet, BenchBackend) async throws -> Value
    ) async throws -> Value {
        try await with(plan, environment: environment) { fleet in
            var backend = backend
            if backend.isLogged { backend.logPath = fleet.directory.calls }
            let running = try await BenchBackend.start(
                backend, environment: fleet.environment, directory: fleet.directory)
            fleet.use(backend: running.url)
            do {
                let value = try await body(fleet, running)
                await fleet.stop()
                await running.process.stop()
                return value
            } catch {
                await fleet.stop()
                await running.process.stop()
                throw error
            }
        }
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
        let running = state.withLock { $0.running }
        func pids(_ role: FleetMember.Role) -> [Int32] {
            running.filter { $0.key.role == role }.map(\.value.child.pid).sorted()
        }
        return BenchedProcesses(
            coordinators: pids(.coordinator), workers: pids(.worker), postgres: cluster.serverProcess,
            client: getpid())
    }

    /// Whether the directory stays behind although the plan does not say so.
    private var keepsDirectory: Bool { state.withLock { $0.keepsDirectory } }

    /// Workers that are started from now on call this backend instead of the plan's.
    func use(backend url: String) { state.withLock { $0.backend = url } }

    /// Leaves the directory behind for somebody to look into.
    func keepDirectory() { state.withLock { $0.keepsDirectory = true } }

    /// The process that has that place now.
    func process(_ member: FleetMember) -> BenchProcess? { state.withLock { $0.running[member] } }

    /// Everything that runs.
    var members: [FleetMember: BenchProcess] { state.withLock { $0.running } }
}

// What a bench starts and stops.
extension BenchFleet {
    /// Starts a coordinator, waits until it serves, and returns a client of it.
    ///
    /// - Parameters:
    ///   - patience: how the client repeats what failed.
    ///   - port: where it listens; 0 takes a free port.
    ///   - more: further arguments.
    @discardableResult
    func startCoordinator(
        _ index: Int = 0, patience: Patience = Patience(), port: Int = 0, more: [String] = []
    ) async throws -> Client {
        let process = try start(
            .coordinator(index),
            [
                "--host", "127.0.0.1", "--port", String(port), "--vault", directory.vault,
                "--set", "coordinator.spool_directory=\(directory.spool)",
            ] + more)
        let url = try await process.ready("shardline coordinator ready url=")
        return client(at: try ServerAddress(url), key: key, patience: patience)
    }

    /// The key of the fleet's project.
    var apiKey: String { key.text }

    /// A client of a coordinator of this fleet, with some project's key.
    func client(at address: ServerAddress, key: ProjectKey, patience: Patience = Patience()) -> Client {
        Client(address: address, apiKey: key.text, engine: engine, patience: patience)
    }

    /// Starts a worker and waits until it begins.
    func startWorker(_ index: Int = 0) async throws {
        let process = try start(.worker(index), ["--concurrency", String(plan.concurrency)])
        _ = try await process.ready("shardline worker ready ")
    }

    /// Stops a worker in order and returns its account of where its time went.
    func stopWorker(_ index: Int = 0) async throws -> WorkerAccount {
        guard let worker = take(.worker(index)) else { throw BenchFault("no worker runs that could be stopped") }
        await worker.stop()
        guard let fields = worker.logged("the worker ends"), let account = WorkerAccount(fields) else {
            throw BenchFault("the worker ended without its account:\n\(DirectoryEntries.tail(of: worker.outputPath))")
        }
        return account
    }

    /// Kills a worker without a warning.
    func killWorker(_ index: Int = 0) async throws {
        try await take(.worker(index))?.kill9()
    }

    /// Kills a coordinator without a warning.
    func killCoordinator(_ index: Int = 0) async throws {
        try await take(.coordinator(index))?.kill9()
    }

    /// Stops whatever runs, all at once: the workers first, which have something to record.
    func stop() async {
        for role in [FleetMember.Role.worker, .coordinator] {
            let members = state.withLock { $0.running.keys.filter { $0.role == role } }
            await withTaskGroup { group in
                for process in members.compactMap(take) { group.addTask { await process.stop() } }
            }
        }
    }

    /// Takes the process out of its place, to be ended by the caller.
    func take(_ member: FleetMember) -> BenchProcess? {
        state.withLock { $0.running.removeValue(forKey: member) }
    }

    private func start(_ member: FleetMember, _ arguments: [String]) throws -> BenchProcess {
        let generation = state.withLock { state in
            state.generations[member, default: 0] += 1
            return state.generations[member, default: 1]
        }
        let name = "\(member).\(generation)"
        let common = [member.role.rawValue, "--database-url", cluster.connectionString, "--log-format", "json"]
        let assignments = plan.assignments.flatMap { ["--set", $0] }
        let process = try BenchProcess(
            name, common + arguments + (try backend(member, caller: name)) + assignments, environment: environment,
            directory: directory)
        state.withLock { $0.running[member] = process }
        return process
    }

    /// The flags that tell a worker its backend.
    private func backend(_ member: FleetMember, caller: String) throws -> [String] {
        guard member.role == .worker, let url = state.withLock({ $0.backend }) ?? plan.backend else {
            return []
        }
        guard plan.namesCallers || !plan.backendKeys.isEmpty else { return ["--backend", url] }
        var keys = plan.backendKeys
        keys["name"] = "bench"
        keys["url"] = "\"\(url)\""
        keys["models"] = "[\"*\"]"
        if plan.namesCallers { keys["key"] = caller }
        let entry = keys.sorted { $0.key < $1.key }.map { "    \($0.key): \($0.value)\n" }.joined()
        let path = "\(directory.path)/\(member).yaml"
        try PlainFile.write("backends:\n  -\n\(entry)", to: path, permissions: 0o600)
        return ["--config", path]
    }
}
