// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Loops
import Synchronization

/// A program that was started by us, in a session of its own, and is waited for on a thread of its own.
///
/// The session keeps a terminal's Ctrl-C away from it: it is stopped by us, in our order. It inherits standard input
/// from /dev/null, one file for its output, default signal handling, and no other open file of ours.
final class ChildProcess: Sendable {
    /// How a process ended.
    enum Ending: Hashable, Sendable, CustomStringConvertible {
        /// It exited with this code.
        case exited(Int32)
        /// This signal ended it.
        case killed(signal: Int32)

        /// `exit code 1` or `signal 9`.
        var description: String {
            switch self {
            case .exited(let code): "exit code \(code)"
            case .killed(let signal): "signal \(signal)"
            }
        }
    }

    /// Its process id; also that of the program it replaces itself with.
    let pid: pid_t
    private let state = Mutex<Ending?>(nil)
    private let ended = StopFlag()

    private init(pid: pid_t) {
        self.pid = pid
    }

    /// Starts `command` (looked up in PATH unless absolute) with `environment` and nothing else of ours.
    ///
    /// - Parameter output: an open file for standard output and standard error; stays open for the caller.
    static func start(_ command: [String], environment: [String: String], output: Int32) throws -> ChildProcess {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
        for file in openFiles where file > STDERR_FILENO {
            posix_spawn_file_actions_addclose(&actions, file)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        resetSignals(&attributes)

        var pid: pid_t = 0
        let code = withCStrings(command) { arguments in
            withCStrings(environment.map { "\($0)=\($1)" }.sorted()) { variables in
                posix_spawnp(&pid, command[0], &actions, &attributes, arguments, variables)
            }
        }
        guard code == 0 else { throw PrivateClusterError.system("start", command[0], code: code) }
        let child = ChildProcess(pid: pid)
        Thread.detachNewThread { child.watch() }
        return child
    }

    /// How it ended; nil while it runs.
    var ending: Ending? { state.withLock { $0 } }

    /// Waits until it has ended, for at most `limit` or until the task is cancelled; nil when it still runs.
    func wait(upTo limit: Duration) async -> Ending? {
        await ended.wait(upTo: limit)
        return ending
    }

    /// Sends a signal; false when it has ended already. The process id cannot have been given to another meanwhile.
    @discardableResult
    func signal(_ number: Int32) -> Bool {
        state.withLock { $0 == nil && kill(pid, number) == 0 }
    }

    /// Waits for the end without reaping, then reaps under the lock, so that `signal` never hits a reused id.
    private func watch() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) == -1 && errno == EINTR {}
        state.withLock { state in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
            let signal = status & 0x7F
            state = signal == 0 ? .exited((status >> 8) & 0xFF) : .killed(signal: signal)
        }
        ended.raise()
    }

    private static var openFiles: [Int32] {
        DirectoryEntries.names(in: "/proc/self/fd").compactMap { Int32($0) }
    }

    /// Session of its own, nothing blocked, nothing ignored: what we ignore or block must not be inherited.
    private static func resetSignals(_ attributes: inout posix_spawnattr_t) {
        // The value of POSIX_SPAWN_SETSID in glibc and musl; the imported headers hide the name.
        let newSession: Int32 = 0x80
        let flags = newSession | Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK)
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD, SIGALRM] {
            sigaddset(&signals, number)
        }
        posix_spawnattr_setsigdefault(&attributes, &signals)
    }

    private static func withCStrings<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }
}
