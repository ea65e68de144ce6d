// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A shell that outlives the test process by a moment: when the pipe from it closes, for whatever reason, the shell
/// ends the broker and its port mapper and removes their folder.
final class BrokerWatcher: Sendable {
    private let writeEnd: Mutex<CInt>

    /// In a process group of its own and deaf to signals, so that Ctrl-C does not reach it before its work is done. A
    /// process id is trusted only while the process has our folder as its home.
    private static let script = """
        trap '' INT TERM HUP QUIT PIPE
        cd /
        while read line; do :; done
        for attempt in 1 2 3 4 5 6 7 8 9 10; do
            for file in "$1"/*.pid; do
                pid=$(cat "$file" 2>/dev/null)
                [ -n "$pid" ] && tr '\\0' '\\n' <"/proc/$pid/environ" 2>/dev/null | grep -qxF "HOME=$1" &&
                    kill -KILL "$pid" 2>/dev/null
            done
            rm -rf "$1" 2>/dev/null
            [ -d "$1" ] || exit 0
            sleep 0.2
        done
        """

    /// Starts watching the broker in that folder.
    init(folder: String) throws {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw BrokerTestingError("cannot make a pipe: errno \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        writeEnd = Mutex(ends[1])
        defer { close(ends[0]) }
        _ = try ChildProgram.spawn(
            ["/bin/sh", "-c", Self.script, "watcher", folder], environment: ["PATH": "/usr/bin:/bin"], input: ends[0],
            output: "/dev/null", ownGroup: true)
    }

    deinit { release() }

    /// Closes the pipe.
    func release() {
        writeEnd.withLock { end in
            if end >= 0 { close(end) }
            end = -1
        }
    }
}
