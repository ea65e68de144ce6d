// SPDX-License-Identifier: Apache-2.0
import Logging
import Loops
import ServiceLifecycle
import Synchronization
import Testing

private struct Broken: Error {}

@Suite(.timeLimit(.minutes(1)))
struct PollLoopTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let fast = Backoff(first: .milliseconds(1), max: .milliseconds(2))

    /// Runs a loop under a service group, triggers graceful shutdown when `poll` calls its argument, and returns after.
    private func run(
        idle: Duration, deadline: Duration? = nil, wake: WakeSignal = WakeSignal(), logger: Logger? = nil,
        poll: @escaping @Sendable (_ shutDown: @Sendable () -> Void) async throws -> Duration?
    ) async throws {
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let loop = PollLoop(
            name: "loop", idle: idle, deadline: deadline, backoff: fast, wake: wake, logger: logger ?? quiet
        ) {
            try await poll { ask.yield() }
        }
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: loop, successTerminationBehavior: .gracefullyShutdownGroup)], logger: quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await _ in asked { break }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test func `zero means again at once, and shutdown ends the loop`() async throws {
        let polls = Counter()
        try await run(idle: .seconds(3_600)) { shutDown in
            if polls.increment() == 100 { shutDown() }
            return polls.value < 100 ? .zero : nil
        }
        #expect(polls.value >= 100)
    }

    @Test func `a wake ends the idle wait`() async throws {
        let polls = Counter()
        let wake = WakeSignal()
        try await run(idle: .seconds(3_600), wake: wake) { shutDown in
            if polls.increment() == 5 { shutDown() } else { wake.wake() }
            return nil
        }
        #expect(polls.value >= 5)
    }

    @Test func `errors do not end the loop and are logged once per streak`() async throws {
        let polls = Counter()
        let log = CountingLog()
        try await run(idle: .seconds(3_600), logger: Logger(label: "test") { _ in log }) { shutDown in
            let number = polls.increment()
            if number <= 10 { throw Broken() }
            shutDown()
            return nil
        }
        #expect(log.count(.warning) == 1)
        #expect(log.count(.notice) == 1)
    }

    @Test func `a poll beyond its deadline is cancelled and tried again`() async throws {
        let polls = Counter()
        try await run(idle: .seconds(3_600), deadline: .milliseconds(5)) { shutDown in
            if polls.increment() == 2 {
                shutDown()
                return nil
            }
            try await Task.sleep(for: .seconds(3_600))
            return nil
        }
        #expect(polls.value == 2)
    }

    @Test func `cancellation ends the loop`() async throws {
        let loop = PollLoop(name: "loop", idle: .seconds(3_600), wake: WakeSignal(), logger: quiet) { nil }
        let task = Task { try await loop.run() }
        task.cancel()
        try await task.value
    }
}

private final class Counter: Sendable {
    private let number = Mutex(0)
    var value: Int { number.withLock { $0 } }
    func increment() -> Int {
        number.withLock {
            $0 += 1
            return $0
        }
    }
}

private final class CountingLog: LogHandler, Sendable {
    private let counts = Mutex<[Logger.Level: Int]>([:])

    func count(_ level: Logger.Level) -> Int { counts.withLock { $0[level] ?? 0 } }

    // The handler keeps nothing but the counts; a class cannot hold these as plain variables and stay Sendable.
    var logLevel: Logger.Level {
        get { .trace }
        set { _ = newValue }
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set { _ = newValue }
    }
    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set { _ = newValue }
    }

    func log(event: LogEvent) {
        counts.withLock { $0[event.level, default: 0] += 1 }
    }
}
