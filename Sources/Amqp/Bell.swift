// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Wakes a thread that waits in poll(2). Whoever changes what the thread waits for rings afterwards.
final class Bell: Sendable {
    private let readEnd: CInt
    private let writeEnd: CInt
    /// Spares the system call for all but the first of many rings.
    private let isRung = Atomic<Bool>(false)

    /// Throws when no descriptors are left.
    init() throws(AmqpError) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw AmqpError(
                .invalidConfiguration,
                "cannot make a pipe for the AMQP publisher: \(String(cString: strerror(errno))); "
                    + "raise the limit of open files (ulimit -n)")
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

    /// Ends the present or the next wait.
    func ring() {
        guard !isRung.exchange(true, ordering: .sequentiallyConsistent) else { return }
        var byte: UInt8 = 1
        _ = write(writeEnd, &byte, 1)
    }

    /// Waits until the bell rings, the descriptor (-1 for none) has one of `events`, or the moment comes (nil: never).
    /// Returns what the descriptor has; 0 when it has nothing.
    @discardableResult
    func wait(also descriptor: CInt = -1, events: Int16 = 0, until moment: ContinuousClock.Instant?) -> Int16 {
        var descriptors = [
            pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: events, revents: 0),
        ]
        let milliseconds = moment.map { ($0 - .now).pollMilliseconds } ?? -1
        guard poll(&descriptors, 2, milliseconds) > 0 else { return 0 }
        if descriptors[0].revents != 0 {
            var byte: UInt8 = 0
            _ = read(readEnd, &byte, 1)
            // From here on a ring writes again; what rang before is seen by the caller, who looks after this.
            isRung.store(false, ordering: .sequentiallyConsistent)
        }
        return descriptors[1].revents
    }
}

extension Duration {
    /// For poll(2): rounded up, so that nobody wakes a moment too early and spins; 0 for the past, at most a day.
    var pollMilliseconds: CInt {
        if self <= .zero { return 0 }
        if self > .seconds(86_400) { return 86_400_000 }
        let (seconds, attoseconds) = components
        return CInt(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }

    /// For librabbitmq's timeouts; at least a millisecond.
    var timeval: timeval {
        let (seconds, attoseconds) = max(self, .milliseconds(1)).components
        return Glibc.timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    }
}
