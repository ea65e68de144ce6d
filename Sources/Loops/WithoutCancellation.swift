// SPDX-License-Identifier: Apache-2.0

/// Runs `operation` to its end even when the calling task is cancelled, and returns what it returned.
///
/// The only shield from cancellation: for the few steps that must not be left half done, each with a deadline of its
/// own.
package func withoutCancellation<Value: Sendable, Failure: Error>(
    _ operation: @escaping @Sendable () async throws(Failure) -> Value
) async throws(Failure) -> Value {
    let shielded = Task { () -> Result<Value, Failure> in
        do throws(Failure) {
            return .success(try await operation())
        } catch {
            return .failure(error)
        }
    }
    return try await shielded.value.get()
}
