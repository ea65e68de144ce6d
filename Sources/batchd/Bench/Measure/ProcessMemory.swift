// SPDX-License-Identifier: Apache-2.0

/// The largest memory of processes, as the kernel keeps it.
enum ProcessMemory {
    /// Largest resident set of a process so far, in bytes (`VmHWM`); nil when it has ended.
    static func peak(_ pid: Int32) -> Int64? {
        DirectoryEntries.text(of: "/proc/\(pid)/status").flatMap(peak(status:))
    }

    /// The same, from the text of `/proc/PID/status`. (proc(5))
    static func peak(status: String) -> Int64? {
        for line in status.split(separator: "\n") where line.hasPrefix("VmHWM:") {
            return line.split { !$0.isNumber }.first.flatMap { Int64($0) }.map { $0 << 10 }
        }
        return nil
    }

    /// What a process of PostgreSQL is, by the title that it shows as its command line:
    /// `postgres: shardline: checkpointer` is `postgres checkpointer`; other titles are `postgres session`.
    static func postgresKind(title: String) -> String {
        // Padded with zeros or blanks.
        let title = title.prefix { $0 != "\0" }
        guard title.hasPrefix("postgres: ") else { return "postgres server" }
        let parts = title.split(separator: ":").map { $0.split(separator: " ").joined(separator: " ") }
        let role = parts.last ?? ""
        let known = [
            "checkpointer", "background writer", "walwriter", "autovacuum launcher", "autovacuum worker",
            "logical replication launcher", "startup", "archiver", "parallel worker",
        ]
        return "postgres " + (known.first { role.hasPrefix($0) } ?? "session")
    }
}
