// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Bytes of results that are in neither file nor journal: counted up where they come, down where they are written.
final class PendingBytes: Sendable {
    private let bytes = Atomic<Int>(0)

    /// How many there are.
    var count: Int { bytes.load(ordering: .relaxed) }

    /// So many came.
    func add(_ count: Int) { bytes.wrappingAdd(count, ordering: .relaxed) }

    /// So many were written.
    func remove(_ count: Int) { bytes.wrappingSubtract(count, ordering: .relaxed) }
}
