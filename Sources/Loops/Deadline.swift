// SPDX-License-Identifier: Apache-2.0

/// A step took longer than it was given; it was cancelled.
package struct DeadlineExceeded: Error, Hashable, CustomStringConvertible {
    /// What the step was given.
    package let limit: Duration

    /// A step that was given `limit`.
    package init(limit: Duration) {
        self.limit = limit
    }

    /// `took longer than 2.0 seconds and was cancelled`
    package var description: String { "took longer than \(limit) and was cancelled" }
}

/// Runs `operation` and cancels it after `limit`; returns when it has ended, so it must react to cancellation.
///
/// - Throws: ``DeadlineExceeded`` when it was cancelled for its time, else what it threw.
package func withDeadline<Value: Sendable>(
    _ limit: Duration, _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else {
            throw DeadlineExceeded(limit: limit)
        }
        return value
    }
}
