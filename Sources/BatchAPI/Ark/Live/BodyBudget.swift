// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts the bytes of the request bodies that are in memory at once, because there may be many thousands of them.
final class BodyBudget: Sendable {
    private let bytesMax: Int
    private let used = Mutex(0)

    /// A budget of `bytesMax` bytes.
    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    /// Bytes taken at this moment.
    var bytes: Int { used.withLock { $0 } }

    /// Takes `count` bytes; false, and nothing is taken, when they are not left. A body larger than the whole budget
    /// is let in when it is alone.
    func take(_ count: Int) -> Bool {
        used.withLock { used in
            guard used == 0 || used + count <= bytesMax else { return false }
            used += count
            return true
        }
    }

    /// Gives bytes back.
    func giveBack(_ count: Int) {
        used.withLock { $0 -= count }
    }
}
