// SPDX-License-Identifier: Apache-2.0
import Dispatch

/// A thread of its own for calls that may block; work runs in the order given.
struct BlockingThread: Sendable {
    private let queue: DispatchQueue

    /// A thread; `label` shows up in debuggers.
    init(_ label: String) {
        queue = DispatchQueue(label: label)
    }

    /// Runs `work` without waiting for it.
    func start(_ work: @escaping @Sendable () -> Void) { queue.async(execute: work) }

    /// Runs `work` there and waits for it without holding a thread of Swift's pool.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: work)) }
        }
    }
}
