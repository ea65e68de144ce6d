// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The largest resident set of each kind of process, taken again and again while a bench runs.
final class MemoryPeaks: Sendable {
    private let peaks = Mutex([String: Int64]())

    /// How often a watch looks. The kernel keeps the peak: only the last moments of short processes are missed.
    static let interval = Duration.milliseconds(100)

    /// What was seen, in bytes by kind of process.
    var bytes: [String: Int64] { peaks.withLock { $0 } }

    /// Looks at `processes` every ``interval`` until the task is cancelled.
    func watch(_ processes: @Sendable () -> BenchedProcesses) async {
        while !Task.isCancelled {
            look(at: processes())
            // Cancelled is the way this ends.
            try? await Task.sleep(for: Self.interval)
        }
    }

    /// Looks once.
    func look(at processes: BenchedProcesses) {
        for coordinator in processes.coordinators { note("coordinator", coordinator) }
        for worker in processes.workers { note("worker", worker) }
        note("client (this bench)", processes.client)
        guard let postgres = processes.postgres else { return }
        note("postgres server", postgres)
        for child in ProcessStat.children(of: postgres) {
            let title = DirectoryEntries.text(of: "/proc/\(child.pid)/cmdline", limit: 4_096) ?? ""
            // Between its birth and its first words a process still looks like its parent.
            if title.hasPrefix("postgres: ") { note(ProcessMemory.postgresKind(title: title), child.pid) }
        }
    }

    private func note(_ kind: String, _ pid: Int32?) {
        guard let pid, let peak = ProcessMemory.peak(pid) else { return }
        peaks.withLock { $0[kind] = max($0[kind] ?? 0, peak) }
    }
}
