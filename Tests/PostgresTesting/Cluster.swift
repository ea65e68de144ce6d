// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The files, the postmaster and the watcher of one private cluster.
final class Cluster: Sendable {
    /// Where the socket lies; also the parent of the data folder.
    let socketFolder: String
    private let watcher: Watcher

    private init(folder: String, watcher: Watcher) {
        socketFolder = folder
        self.watcher = watcher
    }

    /// Makes the folder, initialises and starts the cluster.
    static func create() throws -> Cluster {
        let folder = try makeFolder()
        // Before anything is started, so that nothing is ever left without a watcher.
        let cluster = Cluster(folder: folder, watcher: try Watcher(folder: folder))
        try cluster.runAsOwner(
            "initdb",
            [
                "--pgdata=\(cluster.dataFolder)", "--username=postgres", "--auth=trust", "--encoding=UTF8",
                "--locale=C", "--no-sync",
            ])
        try cluster.start()
        return cluster
    }

    /// Makes and starts a standby that follows `primary`.
    static func standby(of primary: Cluster) throws -> Cluster {
        let folder = try makeFolder()
        let cluster = Cluster(folder: folder, watcher: try Watcher(folder: folder))
        try cluster.runAsOwner(
            "pg_basebackup",
            [
                "--host=\(primary.socketFolder)", "--username=postgres", "--pgdata=\(cluster.dataFolder)",
                "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
            ])
        try cluster.start()
        return cluster
    }

    /// Makes a standby a primary; returns when it accepts writes.
    func promote() throws {
        try runAsOwner("pg_ctl", ["promote", "--pgdata=\(dataFolder)", "--wait", "--timeout=60"])
    }

    /// Lets the watcher stop the cluster and remove its folder.
    func release() { watcher.release() }

    /// Process id of the postmaster as written by itself; nil when it does not run.
    var postmaster: Int32? {
        guard let file = fopen("\(dataFolder)/postmaster.pid", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 32)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        guard let pid = Int32(String(decoding: line.prefix { $0 > 32 }.map(UInt8.init), as: UTF8.self)) else {
            return nil
        }
        return Glibc.kill(pid, 0) == 0 ? pid : nil
    }

    /// Stops the postmaster with pg_ctl and waits for it.
    func stop(mode: String) throws {
        try runAsOwner("pg_ctl", ["stop", "--pgdata=\(dataFolder)", "--mode=\(mode)", "--wait", "--timeout=60"])
    }

    /// Kills the postmaster and waits until the system has forgotten it; until then nobody could start a new one.
    func kill() throws {
        guard let postmaster, Glibc.kill(postmaster, SIGKILL) == 0 else {
            throw PrivatePostgresError("there is no postmaster to kill")
        }
        let deadline = ContinuousClock.now + .seconds(60)
        while Glibc.kill(postmaster, 0) == 0 {
            guard ContinuousClock.now < deadline else {
                throw PrivatePostgresError("postmaster \(postmaster) is still there a minute after SIGKILL")
            }
            usleep(10_000)
        }
    }

    /// Stops the postmaster when it runs and starts it.
    func restart() throws {
        if postmaster != nil { try stop(mode: "fast") }
        try start()
    }

    /// The postmaster is made to listen on a socket only; durability costs time and no test pulls the plug.
    private static let settings = [
        "listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200",
        "log_min_messages=warning", "deadlock_timeout=100ms",
    ]

    private var dataFolder: String { "\(socketFolder)/data" }

    /// After a kill the old backends hold the shared memory for a moment, and pg_ctl refuses: try again until it works.
    private func start() throws {
        let options = (["unix_socket_directories=\(socketFolder)"] + Self.settings).map { "-c \($0)" }
        let arguments = [
            "start", "--pgdata=\(dataFolder)", "--log=\(socketFolder)/server.log", "--wait", "--timeout=60",
            "--options=\(options.joined(separator: " "))",
        ]
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            do {
                return try runAsOwner("pg_ctl", arguments)
            } catch {
                guard ContinuousClock.now < deadline else { throw error }
                usleep(100_000)
            }
        }
    }

    private func runAsOwner(_ program: String, _ arguments: [String]) throws {
        let path = try Programs.path(of: program)
        let output = "\(socketFolder)/\(program).log"
        if geteuid() != 0 { return try Command(program: path, arguments: arguments, output: output).run() }
        // PostgreSQL refuses to run as root.
        let change = ["--reuid=postgres", "--regid=postgres", "--init-groups", path]
        let setpriv = try Programs.path(of: "setpriv")
        try Command(program: setpriv, arguments: change + arguments, output: output).run()
    }

    private static func makeFolder() throws -> String {
        // Short on purpose: a socket's path has at most 107 bytes.
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        let short = parent.utf8.count <= 60 ? parent : "/tmp"
        var template = "\(short)/shardline-pg-XXXXXX".utf8CString.map { $0 }
        guard mkdtemp(&template) != nil else {
            throw PrivatePostgresError("cannot make a folder in \(short): \(String(cString: strerror(errno)))")
        }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if geteuid() == 0, let owner = getpwnam("postgres") {
            guard chown(folder, owner.pointee.pw_uid, owner.pointee.pw_gid) == 0 else {
                throw PrivatePostgresError("cannot give \(folder) to user postgres")
            }
        }
        return folder
    }
}
