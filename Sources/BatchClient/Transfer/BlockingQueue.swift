// SPDX-License-Identifier: Apache-2.0
internal import Dispatch

/// A thread of its own for calls that may block, such as writes to disks and pipes; work runs in the order given.
package struct BlockingQueue: Sendable {
    private let queue: DispatchQueue

    /// A queue; `label` shows up in debuggers.
    package init(label: String) {
        queue = DispatchQueue(label: label)
    }

    /// Runs `work` on the queue's thread and waits for it without holding a thread of Swift's pool.
    package func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws(ClientError) -> Value
    ) async throws(ClientError) -> Value {
        let result: Result<Value, ClientError> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(ClientError) {
                    continuation.resume(returning: .success(try work()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
