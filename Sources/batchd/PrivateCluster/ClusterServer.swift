// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import Loops

/// Starts and stops one PostgreSQL server process.
struct ClusterServer: Sendable {
    /// Where the cluster is.
    let directory: DataDirectory
    /// With which programs.
    let programs: ServerPrograms
    /// As whom.
    let user: ServerUser
    /// Whether the user needs help to get there; see ``DirectoryPassage``.
    let passesDirectories: Bool
    /// Where the socket is.
    let socketDirectory: String
    /// For the server.
    let environment: [String: String]
    /// Hears of progress.
    let logger: Logger

    /// Longest time until the server answers, recovery from a crash included.
    static let startLimit = Duration.seconds(120)
    /// The log is put aside when it is longer than this.
    static let logBytesMax = 16 << 20

    /// Starts the server and returns when it accepts connections.
    func start() async throws -> ChildProcess {
        try await LeftoverServer(directory: directory, socketDirectory: socketDirectory, logger: logger).clear()
        try configure()
        let log = try openLog()
        defer { close(log) }
        let child = try ChildProcess.start(
            user.command([programs.postgres, "-D", directory.cluster], passesDirectories: passesDirectories),
            environment: environment, output: log)
        do {
            try await waitUntilReady(child)
        } catch {
            _ = await stop(child)
            throw error
        }
        return child
    }

    /// Stops the server: sessions are ended and a checkpoint written; harder when that takes too long. Runs to its end
    /// also when the task is cancelled; `nil` when even the kernel could not end it.
    func stop(_ child: ChildProcess) async -> ChildProcess.Ending? {
        await withoutCancellation { [logger] in
            for step in [(SIGINT, Duration.seconds(30)), (SIGQUIT, .seconds(10)), (SIGKILL, .seconds(10))] {
                child.signal(step.0)
                if let ending = await child.wait(upTo: step.1) { return ending }
                logger.warning(
                    "PostgreSQL does not stop", metadata: ["pid": "\(child.pid)", "signal": "\(step.0)"])
            }
            return nil
        }
    }

    private func configure() throws {
        let files = [
            ("postgresql.conf", ServerConfiguration.postgresql(socketDirectory: socketDirectory)),
            ("pg_hba.conf", ServerConfiguration.access),
            (
                "pg_ident.conf",
                ServerConfiguration.identities(ourName: ServerUser.ourName, serverName: user.name)
            ),
        ]
        for (name, text) in files {
            try PlainFile.write(text, to: "\(directory.cluster)/\(name)", permissions: 0o600, owner: user)
        }
    }

    private func openLog() throws -> Int32 {
        var info = stat()
        if stat(directory.serverLog, &info) == 0, info.st_size > Self.logBytesMax {
            rename(directory.serverLog, directory.serverLog + ".old")
        }
        let log = open(directory.serverLog, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard log >= 0 else { throw PrivateClusterError.system("open", directory.serverLog, code: errno) }
        return log
    }

    /// The server writes `ready` into its lock file, which needs no client program to find out.
    private func waitUntilReady(_ child: ChildProcess) async throws {
        let start = ContinuousClock.now
        var reported = start
        while ContinuousClock.now - start < Self.startLimit {
            if let ending = await child.wait(upTo: .milliseconds(20)) {
                throw PrivateClusterError(
                    .failed,
                    "PostgreSQL did not start (\(ending)):\n\(DirectoryEntries.tail(of: directory.serverLog))")
            }
            try Task.checkCancellation()
            if isReady(child) { return }
            if ContinuousClock.now - reported >= .seconds(5) {
                reported = .now
                logger.notice(
                    "waiting for PostgreSQL to start",
                    metadata: ["seconds": "\((reported - start).components.seconds)"])
            }
        }
        throw PrivateClusterError(
            .failed,
            "PostgreSQL did not answer within \(Self.startLimit); see \(directory.serverLog)")
    }

    private func isReady(_ child: ChildProcess) -> Bool {
        guard let text = DirectoryEntries.text(of: directory.cluster + "/postmaster.pid") else { return false }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // Line 8 is the state, by PostgreSQL's own convention between server and pg_ctl.
        return lines.count >= 8 && pid_t(lines[0]) == child.pid && lines[7].hasPrefix("ready")
    }
}
