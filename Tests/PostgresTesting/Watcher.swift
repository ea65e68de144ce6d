// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A shell that outlives the test process by a moment: when the pipe from it closes, for whatever reason, the shell
/// stops
/// the cluster and removes its folder.
final class Watcher: Sendable {
    private let writeEnd: Mutex<Int32>

    /// In a process group of its own and deaf to signals, so that Ctrl-C does not reach it before its work is done.
    private static let script = """
        trap '' INT TERM HUP QUIT PIPE
        cd /
        while read line; do :; done
        for attempt in 1 2 3 4 5 6 7 8 9 10; do
            pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
            [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null
            tries=0
            while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && [ $tries -lt 50 ]; do
                sleep 0.1
                tries=$((tries + 1))
            done
            rm -rf "$1" 2>/dev/null
            [ -d "$1" ] || exit 0
            sleep 0.2
        done
        """

    /// Starts watching the cluster in that folder.
    init(folder: String) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw PrivatePostgresError("cannot make a pipe: errno \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        writeEnd = Mutex(ends[1])
        defer { close(ends[0]) }
        _ = try Command(program: "/bin/sh", arguments: ["-c", Self.script, "watcher", folder], output: "/dev/null")
            .start(input: ends[0], ownGroup: true)
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
