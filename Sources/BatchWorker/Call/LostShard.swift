// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// A shard that somebody else has now, and what of it is thrown away here.
struct LostShard: Hashable, Sendable {
    /// The right that is gone.
    var lease: Lease
    /// Results that were not recorded.
    var resultsDropped: Int
    /// Calls that are aborted.
    var callsAborted: Int
    /// Lines that had no result and no call.
    var linesLeft: Int
}
