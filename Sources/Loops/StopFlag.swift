// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A flag that is raised once and never lowered; whoever sleeps on it is woken.
package final class StopFlag: Sendable {
    private let raised = Atomic<Bool>(false)
    private let signal = WakeSignal()

    /// A flag that is down.
    package init() {}

    /// Whether it was raised.
    package var isRaised: Bool { raised.load(ordering: .acquiring) }

    /// Raises it; raising it again is harmless.
    package func raise() {
        raised.store(true, ordering: .releasing)
        signal.wake()
    }

    /// Returns when the flag is up, after `limit`, or when the task is cancelled.
    package func wait(upTo limit: Duration) async {
        // A wake that was left over from another sleeper must not cut this one short.
        let end = ContinuousClock.now + limit
        while !isRaised && !Task.isCancelled {
            let left = end - .now
            guard left > .zero else { return }
            await signal.wait(upTo: left)
        }
    }
}
