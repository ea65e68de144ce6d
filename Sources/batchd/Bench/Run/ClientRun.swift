// SPDX-License-Identifier: Apache-2.0
import Glibc

/// One client program sending an input file to a backend, as a process of its own.
struct ClientRun: Hashable, Sendable {
    /// What the report calls it.
    let name: String
    /// From its start to its end.
    var duration = Duration.zero
    /// Processor seconds, user and system.
    var cpu = 0.0
    /// Largest resident set, in bytes.
    var peak: Int64 = 0

    /// How often its memory is looked at; the kernel keeps the peak.
    private static let lookEvery = Duration.milliseconds(20)

    /// Runs `command` to its end.
    ///
    /// - Throws: ``BenchFault`` when it fails or takes longer than `limit`.
    static func run(
        _ name: String, _ command: [String], environment: [String: String], log: String, limit: Duration
    ) async throws -> ClientRun {
        let output = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw PrivateClusterError.system("write", log, code: errno) }
        defer { close(output) }
        var run = ClientRun(name: name)
        // What ended children used is counted when they are waited for; no other ends meanwhile.
        let before = ProcessStat.read(getpid())?.endedChildrenTicks ?? 0
        let started = ContinuousClock.now
        let child = try ChildProcess.start(command, environment: environment, output: output)
        while true {
            let ending = await child.wait(upTo: lookEvery)
            run.peak = max(run.peak, ProcessMemory.peak(child.pid) ?? 0)
            if let ending {
                run.duration = ContinuousClock.now - started
                guard ending == .exited(0) else {
                    throw BenchFault("\(name) ended with \(ending):\n\(DirectoryEntries.tail(of: log))")
                }
                break
            }
            guard ContinuousClock.now - started < limit, !Task.isCancelled else {
                child.signal(SIGKILL)
                throw BenchFault("\(name) was not done within \(limit)")
            }
        }
        let after = ProcessStat.read(getpid())?.endedChildrenTicks ?? before
        run.cpu = Double(after - before) / Double(ProcessStat.ticksPerSecond)
        return run
    }
}
