// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How to start a program; in a process group of its own, with no descriptors but the first three.
struct Spawn {
    /// What a program reads.
    enum Input {
        case nothing
        case descriptor(Int32)
    }

    /// Absolute path, or a name that is looked up on PATH.
    var program: String
    /// Without the program's own name.
    var arguments: [String]
    /// Variables that are set in addition to our own; nil takes one away.
    var environment: [String: String?] = [:]
    /// Descriptors of ours are lower than this.
    private static let descriptorsMax: Int32 = 512

    /// What it reads.
    var input = Input.nothing
    /// File that gets its standard output.
    var output = "/dev/null"
    /// File that gets its standard error.
    var errors = "/dev/null"

    /// Starts it.
    func start() throws(HarnessError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        switch input {
        case .nothing: posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        case .descriptor(let descriptor): posix_spawn_file_actions_adddup2(&actions, descriptor, 0)
        }
        let flags = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, 1, output, flags, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errors, flags, 0o644)
        // A pipe's end that another test holds must not stay open here; closing what is not open does no harm.
        for descriptor in Int32(3)..<Self.descriptorsMax { posix_spawn_file_actions_addclose(&actions, descriptor) }
        Self.resetSignals(&attributes)
        var argv = ([program] + arguments).map { strdup($0) } + [nil]
        var envp = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid = pid_t()
        let status = posix_spawnp(&pid, program, &actions, &attributes, &argv, &envp)
        guard status == 0 else {
            throw HarnessError("cannot start \(program): \(String(cString: strerror(status)))")
        }
        return pid
    }

    /// The threads of a test block all signals, which a child would inherit; and Ctrl-C belongs to the test runner
    /// alone: what it leaves behind is the reaper's.
    private static func resetSignals(_ attributes: inout posix_spawnattr_t) {
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    private var variables: [String: String] {
        var variables: [String: String] = [:]
        var at = environ
        while let entry = at.pointee {
            let pair = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
            at += 1
        }
        // What the developer has set for his own server must not reach the programs under test.
        variables = variables.filter { !$0.key.hasPrefix("SHARDLINE_") && !$0.key.hasPrefix("OPENAI_") }
        // Nor must a proxy, the machine's or one that a test has set: not every client passes it over for loopback.
        variables = variables.filter { !$0.key.lowercased().hasSuffix("_proxy") }
        for (name, value) in environment { variables[name] = value }
        return variables
    }

    /// A pipe whose ends stay in this process: (read, write).
    static func pipe() throws(HarnessError) -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw HarnessError("cannot make a pipe: errno \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}
