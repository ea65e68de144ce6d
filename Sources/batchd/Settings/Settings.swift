// SPDX-License-Identifier: Apache-2.0
import BatchAPI
import BatchCoordinator
import BatchCore
import BatchFiles
import BatchInference
import BatchWorker

/// Every setting with its value; the initial values are the defaults. ``SettingsTable`` names them all.
struct Settings: Sendable {
    /// The database.
    var database = DatabaseSettings()
    /// Directory of stored files; empty: `vault` in the data directory (standalone), else an error.
    var vaultDirectory = ""
    /// The bucket of stored files, in place of a directory.
    var vaultStore = VaultStoreSettings()
    /// The HTTP server.
    var api = APIConfiguration()
    /// What users meet.
    var limits = Limits()
    /// The worker's rooms.
    var worker = WorkerConfiguration()
    /// The coordinator's rooms.
    var coordinator = CoordinatorConfiguration()
    /// Requests that are held until they are answered.
    var live = LiveConfiguration()
    /// Receiver of completion notices of all projects; empty: none.
    var webhookURL = ""
    /// Secret that signs them, `whsec_…`; empty: unsigned.
    var webhookSecret = ""
    /// Whether the receiver may have a private address.
    var webhookAllowsPrivate = true
    /// For one attempt of a delivery.
    var webhookTimeout = Duration.seconds(20)
    /// Seals the secrets that the database keeps, base64; empty: none, then there are no such secrets.
    var sealingKey = ""
    /// Addresses and hosts that users' URLs may lead to although they are not public, separated by commas.
    var outboundAllow = ""
    /// How the files that audio lines name are fetched; the addresses they may have are those of `outboundAllow`.
    var audio = AudioRules()
    /// The message brokers of the configuration file.
    var sinks: [SinkEntry] = []
    /// The object stores of the configuration file.
    var objectStores: [ObjectStoreEntry] = []
    /// How long files elsewhere may take.
    var remote = RemoteLimits()
    /// One backend for all models that no named backend serves; empty: none.
    var backend = ""
    /// Its key; empty: none.
    var backendAPIKey = ""
    /// How long lines wait for `backend` without using up attempts while it answers nothing.
    var backendOutagePatience = Duration.seconds(86_400)
    /// The named backends of the configuration file.
    var namedBackends: [BackendConfiguration] = []
    /// `batchd standalone`.
    var standalone = StandaloneSettings()
    /// The log on standard error.
    var log = LogSettings()
    /// After SIGTERM: longest time until everything has stopped, then it is cancelled.
    var shutdownDeadline = Duration.seconds(60)

    /// Every backend: the named ones in order, then the one of `backend` under the name `default`.
    var backends: [BackendConfiguration] {
        guard !backend.isEmpty else { return namedBackends }
        var standard = BackendConfiguration(
            name: "default", baseURL: backend, apiKey: backendAPIKey.isEmpty ? nil : backendAPIKey, models: [.any],
            concurrency: worker.concurrency)
        standard.outagePatience = backendOutagePatience
        return namedBackends + [standard]
    }
}

/// How the database is reached.
struct DatabaseSettings: Sendable {
    /// libpq URL or connection string.
    var url = ""
    /// Connections of one process, each with a thread.
    var connectionsMax = 8
    /// One attempt to connect.
    var connectTimeout = Duration.seconds(10)
    /// Longest statement.
    var statementTimeout = Duration.seconds(60)
    /// Longest wait for a lock.
    var lockTimeout = Duration.seconds(30)
    /// Longest wait for a free connection.
    var acquireTimeout = Duration.seconds(5)
    /// How long a starting process waits for the database to answer.
    var startWait = Duration.seconds(30)
    /// Whether a starting coordinator applies missing migrations.
    var migrate = false
}

/// `batchd standalone`.
struct StandaloneSettings: Sendable {
    /// Where everything is kept.
    var dataDirectory = "./.shardline"
    /// Workers in the process.
    var workers = 1
    /// Folder of `postgres` and `initdb`; empty: searched.
    var postgresPrograms = ""
}

/// The log on standard error.
struct LogSettings: Sendable {
    /// Least severe level that is written.
    var level = LogLevel.info
    /// How a line looks.
    var format = LogFormat.text
}

/// Severity, least severe first.
enum LogLevel: String, CaseIterable, Sendable {
    case trace, debug, info, notice, warning, error, critical
}

/// How a log line looks.
enum LogFormat: String, CaseIterable, Sendable {
    /// For people.
    case text
    /// One JSON object per line.
    case json
}
