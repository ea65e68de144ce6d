// SPDX-License-Identifier: Apache-2.0
import BatchAPI
import BatchCore
import BatchStore
import Logging
import Sealing
import ServiceLifecycle

/// The long-running subcommands: coordinator, worker, and both with a database of their own.
struct Daemon: Sendable {
    /// What is configured.
    let settings: Settings
    /// The process's environment, for the programs of PostgreSQL.
    let environment: [String: String]
    /// The process's logger.
    let logger: Logger
    /// Stops it.
    let control: StopControl
    /// Writes the one line that says that the program is ready.
    let announce: @Sendable (String) -> Void

    /// Everything in one process: private PostgreSQL, API, coordinator, workers; returns when all have stopped.
    func standalone() async throws {
        if !settings.database.url.isEmpty {
            logger.warning("standalone has a database of its own and does not use database.url")
        }
        let directory = try DataDirectory.open(settings.standalone.dataDirectory)
        let lock = try DataDirectoryLock(directory)
        defer { lock.release() }
        let cluster = try await PrivateCluster.start(
            directory, programs: settings.standalone.postgresPrograms, environment: environment, logger: logger)
        do {
            try await serve(directory, cluster)
        } catch {
            await cluster.stop()
            throw error
        }
    }

    private func serve(_ directory: DataDirectory, _ cluster: PrivateCluster) async throws {
        let assembly = Assembly(settings: settings, logger: logger)
        let readiness = DatabaseReadiness(settings: settings.database, logger: logger)
        let migrator = assembly.store(url: cluster.connectionString, isPatient: true)
        try await closing(migrator) {
            try await readiness.prepare(migrator, migrates: true)
        }
        let store = assembly.store(url: cluster.connectionString)
        let key = try ProjectKey.kept(in: directory)
        let project = try await store.ensureProject(name: "default")
        try await store.insertAPIKey(
            project: project, sha256: key.sha256, prefix: key.shownPrefix, name: "standalone")
        guard let vault = try assembly.vault(standard: directory.vault)?.vault else {
            throw SettingsError(problems: [SettingsError.noVault])
        }
        let sealingKey = try SealingKey(settings.sealingKey) ?? SealingKey.kept(in: directory)
        var rooms = try assembly.coordinator(
            store: store, vault: vault, knowsBackends: true, sealingKey: sealingKey
        ) {
            [announce, settings] port in
            announce("shardline ready url=\(Self.url(settings.api.host, port)) key=\(key.text)")
        }
        for _ in 0..<settings.standalone.workers {
            let (id, worker) = try assembly.worker(store: store)
            rooms.insert((id.rawValue, worker), at: rooms.count - 1)
        }
        try await control.run(
            assembly.group(first: [cluster, StoreKeeper(store: store)], rooms: rooms, control: control))
    }

    /// API and rooms against the configured database.
    func coordinator() async throws {
        let assembly = Assembly(settings: settings, logger: logger)
        guard let vault = try assembly.vault()?.vault else {
            throw SettingsError(problems: [SettingsError.noVault])
        }
        let store = try await readyStore(assembly)
        // Without a list of backends of its own a coordinator leaves it to the workers what can be called.
        let rooms = try assembly.coordinator(
            store: store, vault: vault, knowsBackends: !settings.backends.isEmpty,
            sealingKey: SealingKey(settings.sealingKey)
        ) { [announce, settings] port in
            announce("shardline coordinator ready url=\(Self.url(settings.api.host, port))")
        }
        try await control.run(
            assembly.group(first: [StoreKeeper(store: store)], rooms: rooms, control: control))
    }

    /// One worker against the configured database.
    func worker() async throws {
        let assembly = Assembly(settings: settings, logger: logger)
        let store = try await readyStore(assembly)
        let (id, worker) = try assembly.worker(store: store)
        announce("shardline worker ready id=\(id)")
        try await control.run(
            assembly.group(
                first: [StoreKeeper(store: store)], rooms: [(id.rawValue, worker)], control: control))
    }

    private func readyStore(_ assembly: Assembly) async throws -> Store {
        guard !settings.database.url.isEmpty else { throw Self.noDatabase }
        let readiness = DatabaseReadiness(settings: settings.database, logger: logger)
        let migrator = assembly.store(url: settings.database.url, isPatient: true)
        try await closing(migrator) {
            try await readiness.prepare(migrator, migrates: settings.database.migrate)
        }
        return assembly.store(url: settings.database.url)
    }

    private func closing(_ store: Store, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    /// What a command that needs a database says when none is named.
    static var noDatabase: SettingsError {
        SettingsError(problems: [
            """
            database.url is not set: name the PostgreSQL database (--database-url, SHARDLINE_DATABASE_URL), such as \
            postgresql://user:password@host/shardline
            """
        ])
    }

    /// Where the API is reached; an address for all interfaces is reached at the loopback one.
    static func url(_ host: String, _ port: Int) -> String {
        let reached =
            switch host {
            case "0.0.0.0": "127.0.0.1"
            case "::": "[::1]"
            default: host.contains(":") ? "[\(host)]" : host
            }
        return "http://\(reached):\(port)"
    }
}
