// SPDX-License-Identifier: Apache-2.0

/// Whether the server's user gets to a directory at all: its parents may be closed, as /root usually is.
struct DirectoryPassage: Sendable {
    /// Who has to get there.
    let user: ServerUser
    /// For the commands that try it.
    let environment: [String: String]

    /// Whether the capability to pass closed directories is needed to get to `directory`; tried, not guessed.
    ///
    /// - Throws: ``PrivateClusterError`` that names the first parent in the way when nothing helps.
    func needsCapability(to directory: String) async throws -> Bool {
        guard user.isOther else { return false }
        let plain = try await enter(directory, passesDirectories: false)
        if plain.succeeded { return false }
        if plain.ending == .exited(127) {
            throw PrivateClusterError(
                .missing,
                """
                the command setpriv was not found, which starts PostgreSQL as user \(user.name): install the package \
                util-linux, or start batchd as an ordinary user
                """)
        }
        if try await enter(directory, passesDirectories: true).succeeded { return true }
        let anywhere = try await enter("/", passesDirectories: false)
        guard anywhere.succeeded else {
            throw PrivateClusterError(
                .refused,
                """
                cannot start programs as user \(user.name) (\(anywhere.text)): batchd is root but may not change \
                users; start it as an ordinary user
                """)
        }
        let obstacle = try await firstObstacle(to: directory)
        throw PrivateClusterError(
            .refused,
            """
            PostgreSQL runs as user \(user.name), who may not pass the directory \(obstacle): choose a --data-dir \
            outside of it, or open it (chmod o+x \(obstacle)), or start batchd as an ordinary user
            """)
    }

    private func enter(_ directory: String, passesDirectories: Bool) async throws -> CommandOutput {
        try await CommandOutput.of(
            user.command(
                ["/bin/sh", "-c", "cd \"$1\"", "sh", directory], passesDirectories: passesDirectories),
            environment: environment)
    }

    private func firstObstacle(to directory: String) async throws -> String {
        for parent in Self.parents(of: directory) where try await !enter(parent, passesDirectories: false).succeeded {
            return parent
        }
        return directory
    }

    /// `/a`, `/a/b`, `/a/b/c` for `/a/b/c`.
    static func parents(of directory: String) -> [String] {
        var parents: [String] = []
        var path = ""
        for part in directory.split(separator: "/") {
            path += "/" + part
            parents.append(path)
        }
        return parents
    }
}
