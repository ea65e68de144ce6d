// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Work that blocks, such as reading a whole file.
enum BlockingWork {
    /// Runs `work` on a thread of its own, away from Swift's few cooperative ones; runs to its end when cancelled.
    static func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result(catching: work)) }
        }
    }
}
