// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging

/// Clears away what a killed batchd left: a PostgreSQL that still runs, its orphans, and files that would keep a new
/// one from starting.
struct LeftoverServer: Sendable {
    /// Where the cluster is.
    let directory: DataDirectory
    /// Where its socket is.
    let socketDirectory: String
    /// Hears what is found.
    let logger: Logger

    /// How long each step waits: an orderly end, an immediate end, the kernel.
    private static let patience: [(signal: Int32, limit: Duration)] = [
        (SIGINT, .seconds(60)), (SIGQUIT, .seconds(10)), (SIGKILL, .seconds(10)),
    ]

    /// Returns when no process of the cluster lives; the caller holds the data directory's lock.
    func clear() async throws {
        let table = ProcessTable(cluster: directory.cluster)
        try await end(table)
        guard let recorded = table.recordedServer else { return }
        // PostgreSQL sorts out stale files itself unless the recorded id belongs to a living stranger by now; and
        // since no process of the cluster lives, its shared memory is nobody's.
        if kill(recorded, 0) == 0 || errno == EPERM {
            logger.notice("removing a stale lock file of PostgreSQL", metadata: ["pid": "\(recorded)"])
            unlink(directory.cluster + "/postmaster.pid")
            unlink(socketDirectory + SocketDirectory.socketName)
            unlink(socketDirectory + SocketDirectory.socketName + ".lock")
        }
    }

    private func end(_ table: ProcessTable) async throws {
        for step in Self.patience {
            let living = table.processes
            if living.isEmpty { return }
            // The server ends its own processes; without it they end by themselves, or are told.
            let server = table.recordedServer.flatMap { living.contains($0) ? $0 : nil }
            logger.notice(
                "stopping a PostgreSQL that an earlier batchd left",
                metadata: ["pid": "\(server ?? living[0])", "signal": "\(step.signal)"])
            for pid in server.map({ [$0] }) ?? living {
                kill(pid, server == nil && step.signal == SIGINT ? SIGTERM : step.signal)
            }
            let end = ContinuousClock.now + step.limit
            while !table.processes.isEmpty && ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        guard table.processes.isEmpty else {
            throw PrivateClusterError(
                .failed, "PostgreSQL processes of \(directory.cluster) do not end: \(table.processes)")
        }
    }
}
