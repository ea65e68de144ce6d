// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A shell that ends the test's processes when the test process is gone, however that came about.
///
/// It reads `+ PID` and `- PID` from a pipe that nobody else holds open; at its end it stops what is still listed.
final class Reaper: Sendable {
    private let writeEnd: Int32
    private let lock = Mutex(())

    private static let script = """
        trap '' INT TERM HUP QUIT PIPE
        cd /
        pids=' '
        while read -r sign pid; do
            case $sign in
                +) pids="$pids$pid " ;;
                -) pids="${pids%% $pid *} ${pids#* $pid }" ;;
            esac
        done
        for pid in $pids; do kill -CONT "$pid"; kill -TERM "$pid"; done
        sleep 10
        for pid in $pids; do kill -KILL "$pid"; done
        """

    private init(writeEnd: Int32) { self.writeEnd = writeEnd }

    /// The one of this process.
    static let shared = Result { () throws(HarnessError) -> Reaper in
        let (readEnd, writeEnd) = try Spawn.pipe()
        defer { close(readEnd) }
        let spawn = Spawn(program: "/bin/sh", arguments: ["-c", script], input: .descriptor(readEnd))
        _ = try spawn.start()
        return Reaper(writeEnd: writeEnd)
    }

    /// A process that must not outlive us.
    func add(_ pid: pid_t) { say("+ \(pid)\n") }

    /// A process that has ended.
    func remove(_ pid: pid_t) { say("- \(pid)\n") }

    private func say(_ line: String) {
        lock.withLock { _ in
            _ = line.utf8CString.withUnsafeBytes { write(writeEnd, $0.baseAddress, $0.count - 1) }
        }
    }
}
