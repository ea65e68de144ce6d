// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Synchronization

/// Lets a closure on a connection's thread tell a test something, and wait for the test's answer.
final class Gate<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let output: AsyncStream<Value>.Continuation
    private let finished = Atomic(false)
    private let opened = DispatchSemaphore(value: 0)

    init() {
        (stream, output) = AsyncStream.makeStream(of: Value.self)
    }

    /// From the closure: reports.
    func report(_ value: Value) { output.yield(value) }

    /// From the closure: waits until `open`. False when a minute passed.
    @discardableResult
    func wait() -> Bool { opened.wait(timeout: .now() + 60) == .success }

    /// From the test: lets one waiting closure go on.
    func open() { opened.signal() }

    /// From the test: no more reports are wanted.
    func finish() { finished.store(true, ordering: .relaxed) }

    /// Whether `finish` was called.
    var isFinished: Bool { finished.load(ordering: .relaxed) }

    /// From the test: the next report.
    func next() async throws -> Value {
        for await value in stream { return value }
        throw CancellationError()
    }
}

/// Counts how many run at once.
final class Gauge: Sendable {
    private let state = Mutex((now: 0, most: 0, total: 0))

    func enter() {
        state.withLock { state in
            state.now += 1
            state.total += 1
            state.most = max(state.most, state.now)
        }
    }

    func leave() { state.withLock { $0.now -= 1 } }

    var most: Int { state.withLock { $0.most } }
    var total: Int { state.withLock { $0.total } }
}
