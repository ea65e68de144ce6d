// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Waits for what gives no signal: another process.
enum Eventually {
    /// Looks every few milliseconds until `condition` is true; false when `limit` passed before. Blocks.
    static func isTrue(within limit: Duration, _ condition: () throws -> Bool) rethrows -> Bool {
        let deadline = ContinuousClock.now + limit
        while try !condition() {
            guard ContinuousClock.now < deadline else { return false }
            usleep(20_000)
        }
        return true
    }
}
