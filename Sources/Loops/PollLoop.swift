// SPDX-License-Identifier: Apache-2.0
package import Logging
import ServiceLifecycle
import Synchronization

/// Does one thing again and again: waits between polls as long as the poll says, wakes early when signalled, survives
/// errors, and ends at graceful shutdown (after the poll under way) or cancellation.
package struct PollLoop: Service {
    private let name: String
    private let idle: Duration
    private let deadline: Duration?
    private let backoff: Backoff
    private let wake: WakeSignal
    private let logger: Logger
    private let poll: @Sendable () async throws -> Duration?

    /// A loop that is not running yet.
    ///
    /// - Parameters:
    ///   - name: What the log calls it.
    ///   - idle: The wait after a poll that returned nil: the safety net when a wake is lost.
    ///   - deadline: A poll that takes longer is cancelled and counts as failed; nil leaves polls to their own limits.
    ///   - backoff: The wait after failed polls. A wake does not shorten it.
    ///   - wake: Ends a wait early.
    ///   - logger: Hears of the first failure of a streak, of each new reason, and of the recovery.
    ///   - poll: Returns how long to wait before the next: `.zero` is at once, nil is `idle`.
    package init(
        name: String, idle: Duration, deadline: Duration? = nil,
        backoff: Backoff = Backoff(first: .milliseconds(200), max: .seconds(10)), wake: WakeSignal, logger: Logger,
        poll: @escaping @Sendable () async throws -> Duration?
    ) {
        self.name = name
        self.idle = idle
        self.deadline = deadline
        self.backoff = backoff
        self.wake = wake
        self.logger = logger
        self.poll = poll
    }

    /// Polls until graceful shutdown or cancellation. Throws nothing of its own: a failed poll is logged and repeated.
    package func run() async throws {
        let stop = StopFlag()
        await withGracefulShutdownHandler {
            await run(until: stop)
        } onGracefulShutdown: {
            stop.raise()
            wake.wake()
        }
    }

    /// Polls until `stop` is raised or the task is cancelled, whatever the service group says: for loops that must
    /// outlive the signal to stop. Whoever raises the flag also wakes the signal, or cancels.
    package func run(until stop: StopFlag) async {
        var streak = FailureStreak()
        while !stop.isRaised && !Task.isCancelled {
            do {
                let pause = try await onePoll() ?? idle
                let failures = streak.succeed()
                if failures > 0 {
                    logger.notice("\(name) works again", metadata: ["failures": "\(failures)"])
                }
                if pause > .zero && !stop.isRaised {
                    await wake.wait(upTo: pause)
                }
            } catch {
                if stop.isRaised || Task.isCancelled { return }
                let reason = String(describing: error)
                let isNews = streak.fail(reason: reason)
                let delay = backoff.delay(attempt: streak.count)
                logger.log(
                    level: isNews ? .warning : .debug, "\(name) failed and will be tried again",
                    metadata: ["error": "\(reason)", "failures": "\(streak.count)", "retry_in": "\(delay)"])
                await stop.wait(upTo: delay)
            }
        }
    }

    private func onePoll() async throws -> Duration? {
        guard let deadline else { return try await poll() }
        return try await withDeadline(deadline, poll)
    }
}
