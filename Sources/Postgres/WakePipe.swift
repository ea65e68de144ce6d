// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Wakes a thread that waits in poll(2).
final class WakePipe: Sendable {
    private let readEnd: Int32
    private let writeEnd: Int32

    /// Throws when no descriptors are left.
    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw PostgresError(
                code: .other(sqlstate: "53000"), message: "cannot make a pipe: \(String(cString: strerror(errno)))",
                hint: "raise the limit of open files (ulimit -n)")
        }
        readEnd = ends[0]
        writeEnd = ends[1]
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// Wakes the thread for good: later waits return at once.
    func ring() {
        var byte: UInt8 = 1
        // A full pipe is as good as a written one.
        _ = write(writeEnd, &byte, 1)
    }

    /// Waits until the bell rings, the descriptor (-1 for none) has something to read, or time is up.
    /// True when the descriptor is ready or in error.
    @discardableResult
    func wait(also descriptor: Int32, milliseconds: Int32) -> Bool {
        var descriptors = [
            pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        ]
        return poll(&descriptors, 2, milliseconds) > 0 && descriptors[1].revents != 0
    }
}
