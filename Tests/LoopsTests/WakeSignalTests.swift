// SPDX-License-Identifier: Apache-2.0
import Loops
import Testing

@Suite(.timeLimit(.minutes(1)))
struct WakeSignalTests {
    private let longer: Duration = .seconds(3_600)

    @Test func `a wake before the wait is not lost`() async {
        let signal = WakeSignal()
        signal.wake()
        await signal.wait(upTo: longer)
    }

    @Test func `many wakes before a wait release one wait only`() async {
        let signal = WakeSignal()
        for _ in 0..<10 { signal.wake() }
        await signal.wait(upTo: longer)
        await signal.wait(upTo: .milliseconds(1))
        // A second pending wake would have been kept for this one.
        let start = ContinuousClock.now
        await signal.wait(upTo: .milliseconds(20))
        #expect(ContinuousClock.now - start >= .milliseconds(20))
    }

    @Test func `a wake releases every waiter`() async {
        let signal = WakeSignal()
        await withTaskGroup(of: Void.self) { group in
            let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
            for _ in 0..<8 {
                group.addTask {
                    arrived.yield()
                    await signal.wait(upTo: longer)
                    // Waiters that came after the wake are released by a chain of further wakes.
                    signal.wake()
                }
            }
            var count = 0
            for await _ in arrivals {
                count += 1
                if count == 8 { break }
            }
            signal.wake()
            await group.waitForAll()
        }
    }

    @Test func `a wait ends by itself after its limit`() async {
        await WakeSignal().wait(upTo: .milliseconds(5))
    }

    @Test func `cancellation ends a wait, before and after it began`() async {
        let signal = WakeSignal()
        let waiting = Task { await signal.wait(upTo: .seconds(3_600)) }
        waiting.cancel()
        await waiting.value
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let later = Task {
            begin.yield()
            await signal.wait(upTo: .seconds(3_600))
        }
        for await _ in begun { break }
        later.cancel()
        await later.value
    }

    @Test func `wakes and waits from many tasks never hang`() async {
        let signal = WakeSignal()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<200 { await signal.wait(upTo: .milliseconds(2)) } }
                group.addTask {
                    for _ in 0..<2_000 {
                        signal.wake()
                        await Task.yield()
                    }
                }
            }
        }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct StopFlagTests {
    @Test func `a raised flag lets nobody sleep`() async {
        let flag = StopFlag()
        flag.raise()
        #expect(flag.isRaised)
        await flag.wait(upTo: .seconds(3_600))
        await flag.wait(upTo: .seconds(3_600))
    }

    @Test func `raising wakes a sleeper`() async {
        let flag = StopFlag()
        async let sleeper: Void = flag.wait(upTo: .seconds(3_600))
        flag.raise()
        await sleeper
    }
}
