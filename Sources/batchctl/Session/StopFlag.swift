// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Tells work on another thread to stop.
final class StopFlag: Sendable {
    private let flag = Atomic(false)

    /// Asks for a stop.
    func raise() { flag.store(true, ordering: .relaxed) }

    /// Whether a stop was asked for.
    var isRaised: Bool { flag.load(ordering: .relaxed) }
}
