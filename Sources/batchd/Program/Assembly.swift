// SPDX-License-Identifier: Apache-2.0
import BatchAPI
import BatchCoordinator
import BatchCore
import BatchFiles
import BatchInference
import BatchStore
import BatchWebhook
import BatchWorker
import Curl
import Glibc
import Logging
import Postgres
import Sealing
import ServiceLifecycle

/// Puts the parts of a process together from its settings; tests and every subcommand use the same.
struct Assembly: Sendable {
    /// What is configured.
    let settings: Settings
    /// The process's logger.
    let logger: Logger

    /// A store on `url`.
    ///
    /// - Parameter isPatient: without time limits for statements, for migrations.
    func store(url: String, isPatient: Bool = false) -> Store {
        let database = settings.database
        return Store(
            configuration: PoolConfiguration(
                url: url, connectionsMax: database.connectionsMax, connectTimeout: database.connectTimeout,
                statementTimeout: isPatient ? .zero : database.statementTimeout,
                lockTimeout: isPatient ? .zero : database.lockTimeout, acquireTimeout: database.acquireTimeout),
            logger: logger)
    }

    /// The configured backends and the test model.
    func backends() throws -> BackendSet {
        try BackendSet(settings.backends, version: Version.text)
    }

    /// The vault that the settings name, and where it is in words for people; nil when they name none.
    ///
    /// - Parameter standard: directory for when they name none.
    func vault(standard: String? = nil) throws -> (vault: any FileVault, place: String)? {
        let store = settings.vaultStore
        if store.isSet {
            let engine = CurlEngine(engineConfiguration("vault", connections: Self.vaultRequestsMax), logger: logger)
            return (S3Vault(try store.configuration(), prefix: store.prefix, engine: engine), store.address)
        }
        guard let directory = settings.vaultDirectory.isEmpty ? standard : settings.vaultDirectory else { return nil }
        try DataDirectory.make(directory)
        return (try DirectoryVault(path: directory), directory)
    }

    /// The API and the coordinator's rooms.
    ///
    /// - Parameters:
    ///   - knowsBackends: whether the configured backends are all there are; else a model that none of them serves may
    ///     be served by some worker's, and is accepted.
    ///   - sealingKey: what seals the secrets of webhooks; nil when there is none.
    ///   - onReady: called once with the port when connections are accepted.
    func coordinator(
        store: Store, vault: any FileVault, knowsBackends: Bool, sealingKey: SealingKey?,
        onReady: @escaping @Sendable (Int) -> Void
    ) throws -> [(name: String, service: any Service)] {
        let backends = try backends()
        var configuration = settings.coordinator
        configuration.limits = settings.limits
        configuration.workerLease = settings.worker.lease
        let sender = try webhookSender(attempts: configuration.notify.attemptsMax)
        configuration.notify.serverURL = settings.webhookURL.isEmpty ? nil : settings.webhookURL
        configuration.notify.serverSecret = WebhookSecret(settings.webhookSecret)
        configuration.notify.sealingKey = sealingKey
        for entry in settings.sinks { configuration.notify.sinks[entry.name] = try entry.sink(sender: sender) }
        let remote = try remoteStores()
        let modelIsKnown = { @Sendable (model: String) in !knowsBackends || backends.serves(model: model) }
        let coordinator = Coordinator(
            configuration: configuration, store: store, vault: vault, id: .random(), modelIsKnown: modelIsKnown,
            sender: sender, remote: remote, logger: logger)
        let probe = RemoteProbe(
            store: store, stores: remote, sealingKey: sealingKey, deadline: settings.api.arkCheckDeadline)
        let room = connectionRoom()
        let live = try liveLane(store: store, heldMax: room.held)
        let server = APIServer(
            configuration: api(room), store: store, vault: vault,
            receiver: FileReceiver(store: store, vault: vault, limits: settings.limits), models: backends.namedModels,
            limits: settings.limits,
            held: HeldRequests(
                desk: live.desk, wait: settings.live.wait, heldMax: room.held, modelIsKnown: modelIsKnown),
            tester: EndpointTester(sender: sender), sealingKey: sealingKey,
            modelIsKnown: modelIsKnown, probe: probe, logger: logger, onReady: onReady)
        return [("coordinator", coordinator)] + live.services + [("API", server)]
    }

    /// What opens files elsewhere.
    func remoteStores() throws -> RemoteStores {
        let vault = settings.vaultStore
        return RemoteStores(
            servers: settings.objectStores.map { $0.store() },
            reserve: vault.isSet ? RemoteStores.Reserve(bucket: vault.bucket, prefix: vault.prefix) : nil,
            tenantRule: .publicOnly(allowing: try AddressAllowList(parsing: settings.outboundAllow)),
            limits: settings.remote,
            engine: CurlEngine(engineConfiguration("remote", connections: Self.remoteRequestsMax), logger: logger))
    }

    /// What posts notices; several engines, because one takes a thousand at once.
    private func webhookSender(attempts: Int) throws -> WebhookSender {
        let count = (attempts + Self.engineAttemptsMax - 1) / Self.engineAttemptsMax
        let engines = (0..<max(count, 1)).map { _ in
            CurlEngine(engineConfiguration("webhooks", connections: Self.engineAttemptsMax), logger: logger)
        }
        return WebhookSender(
            engines: engines, timeout: settings.webhookTimeout,
            tenantRule: .publicOnly(allowing: try AddressAllowList(parsing: settings.outboundAllow)),
            configuredRule: settings.webhookAllowsPrivate ? .any : .publicOnly(allowing: .none))
    }

    /// A worker with connections of its own to the backends.
    func worker(store: Store) throws -> (id: WorkerID, worker: Worker) {
        let parts = try workerParts()
        let worker = Worker(
            configuration: parts.configuration, store: store, backends: parts.backends, caller: parts.caller,
            prober: parts.prober, id: parts.id, logger: logger)
        return (parts.id, worker)
    }

    /// What a worker consists of.
    struct WorkerParts {
        /// New at each start.
        let id: WorkerID
        /// Its settings.
        let configuration: WorkerConfiguration
        /// Whom it calls.
        let backends: BackendSet
        /// Makes the calls.
        let caller: LineCaller
        /// Asks the backends how they are.
        let prober: BackendProber
    }

    /// The parts of a new worker.
    func workerParts() throws -> WorkerParts {
        let id = WorkerID.random()
        var configuration = settings.worker
        configuration.host = Self.hostName
        configuration.processID = getpid()
        configuration.version = Version.text
        let engines = CallEngines(
            connections: configuration.concurrency, userAgent: "shardline/\(Version.text)", logger: logger)
        var audio = settings.audio
        audio.addressRule = .publicOnly(allowing: try AddressAllowList(parsing: settings.outboundAllow))
        let backends = try backends()
        let prober = BackendProber(
            backends, engine: CurlEngine(engineConfiguration("probes", connections: Self.probesMax), logger: logger),
            logger: logger)
        return WorkerParts(
            id: id, configuration: configuration, backends: backends,
            caller: LineCaller(engines: engines, worker: id, audio: audio), prober: prober)
    }

    /// A group that stops `last` after `rooms` have drained; its signals are ours to handle.
    func group(
        first: [any Service], rooms: [(name: String, service: any Service)], control: StopControl
    ) -> ServiceGroup {
        let parallel = ParallelServices(services: rooms, logger: logger) {
            control.ask(reason: "a service failed")
        }
        let services = (first + [parallel]).map { service in
            ServiceGroupConfiguration.ServiceConfiguration(
                service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                failureTerminationBehavior: .gracefullyShutdownGroup)
        }
        var configuration = ServiceGroupConfiguration(services: services, logger: quiet)
        configuration.maximumGracefulShutdownDuration = settings.shutdownDeadline
        return ServiceGroup(configuration: configuration)
    }

    /// Attempts of deliveries that one engine makes at once.
    private static let engineAttemptsMax = 1_000
    /// Requests to the vault's store under way at once.
    static let vaultRequestsMax = 256
    /// Requests for files elsewhere under way at once.
    static let remoteRequestsMax = 256
    /// Questions to backends under way at once.
    private static let probesMax = 32

    /// The machine's own name for itself, without asking a name server.
    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The group's own chatter about signals and services repeats what the services say.
    private var quiet: Logger {
        var quiet = logger
        quiet.logLevel = max(quiet.logLevel, .warning)
        return quiet
    }

    private func engineConfiguration(_ name: String, connections: Int) -> EngineConfiguration {
        EngineConfiguration(
            connectionsMax: connections, userAgent: "shardline/\(Version.text)", threadName: name)
    }
}
