// SPDX-License-Identifier: Apache-2.0

/// The one list of settings. Parsing, `batchd settings`, `batchd check` and the example file all follow it.
enum SettingsTable {
    /// A row of the table.
    typealias Row = Setting<Settings>

    /// Every setting, section by section, in the order of the example file.
    static let all: [Row] =
        general + vaultStore + standalone + database + api + endpoints + limits + bailian + ark + coordinator
        + live + liveDesk + remote + webhook + worker + audio

    /// The row of that name.
    static func row(_ name: String) -> Row? { byName[name] }

    private static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }

    private static let general: [Row] = [
        .text(
            "data_dir", \.standalone.dataDirectory, unit: "path", flag: "--data-dir",
            "Where `batchd standalone` keeps its database, key and files."),
        .text(
            "backend", \.backend, unit: "URL", flag: "--backend",
            "Base URL of an OpenAI-compatible server, such as http://host:8000/v1, for all models that no entry of "
                + "`backends` serves. Empty: none; the built-in batch-test-model always works."),
        .text("backend_api_key", \.backendAPIKey, secrecy: .hidden, "Key for `backend`, sent as a bearer token."),
        .duration(
            "backend_outage_patience", \.backendOutagePatience,
            "How long lines wait for `backend` without using up attempts while it answers nothing; then they fail."),
        .text(
            "sealing_key", \.sealingKey, unit: "base64 of 32 bytes", secrecy: .hidden,
            "Seals the secrets of webhooks and of projects' object stores in the database; the same for all "
                + "coordinators, made with `openssl rand -base64 32`. Older keys may follow, separated by commas. "
                + "`batchd standalone` makes one. Empty: no such secrets."),
        .duration(
            "shutdown_deadline", \.shutdownDeadline, least: .seconds(1),
            "After SIGTERM or SIGINT: longest time for an orderly end; a second signal ends at once."),
        .choice("log.level", \.log.level, flag: "--log-level", "Least severe log level that is written."),
        .choice("log.format", \.log.format, flag: "--log-format", "Log lines for people, or as JSON objects."),
        .text(
            "vault.directory", \.vaultDirectory, unit: "path", flag: "--vault",
            "Directory of stored files, shared by all coordinators. Empty: `vault` in the data directory, for "
                + "`batchd standalone` only."),
    ]

    private static let standalone: [Row] = [
        .integer(
            "standalone.workers", \.standalone.workers, 0...64, flag: "--workers",
            "Workers inside `batchd standalone`; 0 leaves the work to `batchd worker` processes."),
        .text(
            "standalone.postgres_programs", \.standalone.postgresPrograms, unit: "path",
            "Folder of PostgreSQL's `postgres` and `initdb`. Empty: searched for."),
    ]

    private static let database: [Row] = [
        .text(
            "database.url", \.database.url, unit: "URL", flag: "--database-url", secrecy: .hidesPassword,
            "PostgreSQL, as libpq URL or connection string; several hosts are allowed. `batchd standalone` has its own."
        ),
        .integer(
            "database.connections_max", \.database.connectionsMax, 2...500,
            "Connections of one process, besides one that listens."),
        .duration("database.connect_timeout", \.database.connectTimeout, "One attempt to connect to one host."),
        .duration("database.statement_timeout", \.database.statementTimeout, "Longest statement."),
        .duration("database.lock_timeout", \.database.lockTimeout, "Longest wait for a row or table lock."),
        .duration(
            "database.acquire_timeout", \.database.acquireTimeout,
            "Longest wait for a connection before a request is answered 503."),
        .duration(
            "database.start_wait", \.database.startWait, least: .zero,
            "How long a starting process waits for the database to answer."),
        .flag(
            "database.migrate", \.database.migrate,
            "Whether a starting coordinator or worker applies missing migrations itself; `batchd standalone` does."
        ),
    ]
}
