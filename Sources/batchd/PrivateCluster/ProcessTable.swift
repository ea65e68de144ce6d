// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Looks for PostgreSQL processes of one cluster in the system's list of processes.
///
/// Each of them works in the cluster's directory. That tells them apart from whatever got a recorded process id later.
struct ProcessTable: Sendable {
    /// The cluster's directory.
    let cluster: String

    /// Process ids of every process of the cluster, ascending.
    var processes: [pid_t] {
        let home = DirectoryEntries.status(cluster)
        return DirectoryEntries.names(in: "/proc").compactMap { pid_t($0) }.filter { pid in
            pid != getpid() && isOfCluster(pid, home)
        }.sorted()
    }

    /// The process id in the cluster's `postmaster.pid`, whether or not that process lives.
    var recordedServer: pid_t? {
        DirectoryEntries.text(of: cluster + "/postmaster.pid").flatMap { text in
            pid_t(text.prefix { $0 != "\n" })
        }
    }

    private func isOfCluster(_ pid: pid_t, _ home: DirectoryEntries.Status?) -> Bool {
        let name = DirectoryEntries.text(of: "/proc/\(pid)/comm") ?? ""
        // It works from elsewhere, but names the directory.
        if name == "initdb\n" { return arguments(of: pid).contains(cluster) }
        // An operator's shell in that directory is none of ours.
        guard name.hasPrefix("postgres") else { return false }
        if let place = DirectoryEntries.status("/proc/\(pid)/cwd") {
            return place.device == home?.device && place.inode == home?.inode
        }
        // In containers root may lack the right to look: the command line of a server names its directory.
        return errno == EACCES && arguments(of: pid).contains(cluster)
    }

    private func arguments(of pid: pid_t) -> [String] {
        (DirectoryEntries.text(of: "/proc/\(pid)/cmdline") ?? "").split(separator: "\0").map(String.init)
    }
}
