// SPDX-License-Identifier: Apache-2.0
// `timespec` counts as CEpoll's wherever that is imported in the same program.
import CEpoll
import Glibc

/// The machine's monotonic clock.
enum MonotonicNanoseconds {
    /// Nanoseconds since the machine was started, the same in all its processes.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
