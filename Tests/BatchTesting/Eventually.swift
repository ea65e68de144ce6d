// SPDX-License-Identifier: Apache-2.0

/// Looks again and again at what gives no signal, a row in the database, until `check` finds something.
///
/// - Parameters:
///   - what: named in the error when it does not happen.
///   - limit: how long to look.
@discardableResult
package func eventually<T>(
    _ what: String, within limit: Duration = .seconds(60), _ check: () async throws -> T?
) async throws -> T {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if let found = try await check() { return found }
        try await Task.sleep(for: .milliseconds(20))
    }
    throw TestFault("in \(limit) this did not happen: \(what)")
}
