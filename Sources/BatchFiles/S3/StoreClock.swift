// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Synchronization

/// The store's time as well as we know it: this machine's, corrected by what the store said. (contracts: SigV4, time)
package final class StoreClock: Sendable {
    private let local: @Sendable () -> Int64
    private let offset = Mutex<Int64>(0)

    /// Follows this machine's clock, or in tests another.
    package init(local: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }) {
        self.local = local
    }

    /// Seconds since 1970-01-01 UTC.
    package var unixSeconds: Int64 { local() + offset.withLock { $0 } }

    /// Takes over the time of an answer.
    ///
    /// - Returns: whether it was so far away that signatures may have failed for it.
    func correct(serverTime: Int64) -> Bool {
        let difference = serverTime - local()
        return offset.withLock { offset in
            guard abs(difference - offset) > Self.toleranceSeconds else { return false }
            offset = difference
            return true
        }
    }

    /// Stores allow fifteen minutes; presigned URLs may live for less than this, but not sensibly.
    private static let toleranceSeconds: Int64 = 300
}
