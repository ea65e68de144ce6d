// SPDX-License-Identifier: Apache-2.0

/// A place in a fleet that one process after another may take.
struct FleetMember: Hashable, Sendable, CustomStringConvertible {
    /// What the process does.
    enum Role: String, Hashable, Sendable {
        /// Takes files and batches in, splits, finalizes.
        case coordinator
        /// Calls the backend.
        case worker
    }

    /// What the process does.
    let role: Role
    /// Tells it from others of its role, from 0.
    let index: Int

    /// The coordinator of that index.
    static func coordinator(_ index: Int) -> FleetMember { FleetMember(role: .coordinator, index: index) }
    /// The worker of that index.
    static func worker(_ index: Int) -> FleetMember { FleetMember(role: .worker, index: index) }

    /// Such as `worker-0`.
    var description: String { "\(role.rawValue)-\(index)" }
}
