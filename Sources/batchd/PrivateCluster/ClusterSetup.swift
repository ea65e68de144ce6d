// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging

/// Makes the cluster at the first start: `initdb` into a folder that is renamed when it is complete, so that a start
/// which was killed halfway is simply done again.
struct ClusterSetup: Sendable {
    /// Where.
    let directory: DataDirectory
    /// With which programs.
    let programs: ServerPrograms
    /// As whom.
    let user: ServerUser
    /// Whether the user needs help to get there; see ``DirectoryPassage``.
    let passesDirectories: Bool
    /// For `initdb`.
    let environment: [String: String]
    /// Hears of progress.
    let logger: Logger

    /// Longest time for `initdb`.
    static let limit = Duration.seconds(120)

    /// Makes the cluster unless it is there.
    func run() async throws {
        guard DirectoryEntries.status(directory.cluster) == nil else { return }
        logger.notice("making a private PostgreSQL cluster", metadata: ["directory": "\(directory.cluster)"])
        try await removeUnfinished()
        let log = open(directory.serverLog, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard log >= 0 else { throw PrivateClusterError.system("open", directory.serverLog, code: errno) }
        defer { close(log) }
        let child = try ChildProcess.start(
            user.command(arguments, passesDirectories: passesDirectories), environment: environment, output: log)
        guard let ending = await child.wait(upTo: Self.limit) else {
            child.signal(SIGKILL)
            try Task.checkCancellation()
            throw PrivateClusterError(.failed, "initdb did not end within \(Self.limit); see \(directory.serverLog)")
        }
        guard ending == .exited(0) else {
            throw PrivateClusterError(
                .failed, "initdb failed (\(ending)):\n\(DirectoryEntries.tail(of: directory.serverLog))")
        }
        guard rename(directory.unfinishedCluster, directory.cluster) == 0 else {
            throw PrivateClusterError.system("rename", directory.unfinishedCluster, code: errno)
        }
        PlainFile.syncDirectory(of: directory.cluster)
    }

    private var arguments: [String] {
        [
            programs.initdb, "--pgdata", directory.unfinishedCluster, "--username", ServerConfiguration.role,
            "--encoding", "UTF8", "--locale", "C", "--auth-local", "peer", "--auth-host", "reject",
            "--data-checksums", "--no-instructions",
        ]
    }

    /// As the cluster's user: root must not delete recursively where somebody else can place links.
    private func removeUnfinished() async throws {
        try await endUnfinished()
        guard DirectoryEntries.status(directory.unfinishedCluster, follow: false) != nil else { return }
        let removal = try await CommandOutput.of(
            user.command(["rm", "-rf", directory.unfinishedCluster], passesDirectories: passesDirectories),
            environment: environment, limit: .seconds(60))
        guard removal.succeeded else {
            throw PrivateClusterError(
                .refused, "cannot remove \(directory.unfinishedCluster): \(removal.text)")
        }
    }

    /// An `initdb` outlives a batchd that was killed; it would write, and at its end remove, what we make anew.
    private func endUnfinished() async throws {
        let table = ProcessTable(cluster: directory.unfinishedCluster)
        let end = ContinuousClock.now + .seconds(10)
        while case let living = table.processes, !living.isEmpty {
            for pid in living { kill(pid, SIGKILL) }
            guard ContinuousClock.now < end else {
                throw PrivateClusterError(
                    .failed, "processes that make \(directory.unfinishedCluster) do not end: \(living)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
