// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The PostgreSQL server programs of one installation.
struct ServerPrograms: Hashable, Sendable {
    /// The folder that holds `postgres` and `initdb`.
    let directory: String
    /// Major version, such as 15.
    let major: Int

    /// The oldest server that Shardline works with.
    static let majorMin = 14

    /// Path of `postgres`.
    var postgres: String { directory + "/postgres" }
    /// Path of `initdb`.
    var initdb: String { directory + "/initdb" }

    /// Finds the programs: `configured` when given, else the newest of `pg_config --bindir`, the Debian and Red Hat
    /// folders and PATH; of version `wanted` when a cluster of that version exists already.
    static func find(
        configured: String, wanted: Int?, environment: [String: String]
    ) async throws -> ServerPrograms {
        var found: [ServerPrograms] = []
        let folders =
            configured.isEmpty ? try await usualFolders(environment: environment) : [configured]
        for folder in folders where isExecutable(folder + "/postgres") && isExecutable(folder + "/initdb") {
            let answer = try await CommandOutput.of([folder + "/postgres", "--version"], environment: environment)
            if answer.succeeded, let major = major(inVersion: answer.text) {
                found.append(ServerPrograms(directory: folder, major: major))
            }
        }
        return try choose(found, wanted: wanted, configured: configured)
    }

    /// The newest, or the one that the existing cluster needs.
    static func choose(_ found: [ServerPrograms], wanted: Int?, configured: String) throws -> ServerPrograms {
        if let wanted {
            if let match = found.first(where: { $0.major == wanted }) { return match }
            throw PrivateClusterError(
                .missing,
                """
                the data directory was made by PostgreSQL \(wanted), whose server programs were not found: \
                install the package postgresql-\(wanted) (apt-get install postgresql-\(wanted))
                """)
        }
        let newest = found.max { $0.major < $1.major }
        if let newest, newest.major >= majorMin { return newest }
        let place = configured.isEmpty ? "" : " in \(configured)"
        let reason =
            newest.map { "only version \($0.major) of the PostgreSQL server is installed\(place)" }
            ?? "the PostgreSQL server programs (postgres, initdb) were not found\(place)"
        throw PrivateClusterError(
            .missing,
            """
            \(reason): install version \(majorMin) or newer (Debian, Ubuntu: apt-get install postgresql), \
            or name their folder with SHARDLINE_STANDALONE_POSTGRES_PROGRAMS
            """)
    }

    /// The major version in the answer of `postgres --version`, such as `postgres (PostgreSQL) 15.8 (Debian …)`.
    static func major(inVersion text: String) -> Int? {
        guard let range = text.firstRange(of: "(PostgreSQL) ") else { return nil }
        return Int(text[range.upperBound...].prefix { $0.isASCII && $0.isNumber })
    }

    private static func usualFolders(environment: [String: String]) async throws -> [String] {
        var folders: [String] = []
        let configured = try await CommandOutput.of(["pg_config", "--bindir"], environment: environment)
        if configured.succeeded { folders.append(configured.text) }
        for version in DirectoryEntries.names(in: "/usr/lib/postgresql") {
            folders.append("/usr/lib/postgresql/\(version)/bin")
        }
        for name in DirectoryEntries.names(in: "/usr") where name.hasPrefix("pgsql-") {
            folders.append("/usr/\(name)/bin")
        }
        folders += (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        var seen: Set<String> = []
        return folders.filter { $0.hasPrefix("/") && seen.insert($0).inserted }
    }

    private static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }
}
