// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Adds up the processor time of work that runs on one thread from beginning to end, such as a pool's closures.
package final class CPUMeter: Sendable {
    private let total = Atomic<Int>(0)

    /// Nothing measured yet.
    package init() {}

    /// Nanoseconds of processor time so far.
    package var nanoseconds: Int { total.load(ordering: .relaxed) }

    /// Runs `body` and adds what it cost the calling thread.
    package func measure<T>(_ body: () throws -> T) rethrows -> T {
        let start = Self.threadNanoseconds()
        defer { total.add(Self.threadNanoseconds() - start, ordering: .relaxed) }
        return try body()
    }

    private static func threadNanoseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
