// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Nanoseconds of the monotonic clock: never set back, unaffected by changes of the wall clock.
enum MonotonicTime {
    /// The present moment.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// A span in nanoseconds: negative spans become 0, spans above 100 years become 100 years.
    static func span(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        if seconds < 0 || attoseconds < 0 { return 0 }
        if seconds > 3_155_760_000 { return 3_155_760_000_000_000_000 }
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
