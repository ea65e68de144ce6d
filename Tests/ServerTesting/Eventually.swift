// SPDX-License-Identifier: Apache-2.0

/// Waits for what another process does and gives no signal for: the one place where tests poll.
///
/// - Parameters:
///   - what: what is waited for, shown when it does not come.
///   - deadline: how long to wait; generous, since it is only spent when something is wrong.
///   - probe: returns a value once it is there, nil before.
package func eventually<Value>(
    _ what: String, within deadline: Duration = .seconds(90), probe: () async throws -> Value?
) async throws -> Value {
    let end = ContinuousClock.now + deadline
    while true {
        if let value = try await probe() { return value }
        guard ContinuousClock.now < end else { throw HarnessError("in \(deadline) there was no: \(what)") }
        try await Task.sleep(for: .milliseconds(20))
    }
}

/// Why a test could not go on, with what the programs said about it.
package struct HarnessError: Error, CustomStringConvertible {
    /// The whole story.
    package let description: String

    /// An error that says `description`.
    package init(_ description: String) { self.description = description }
}
