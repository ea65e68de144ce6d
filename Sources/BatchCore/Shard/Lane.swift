// SPDX-License-Identifier: Apache-2.0

/// The class of a batch's traffic, equal to the column. A lane is served with what the lanes before it leave.
package enum Lane: Int16, CaseIterable, Hashable, Sendable, Comparable {
    /// Traffic that somebody waits for. Not for users' batches.
    case live = 0
    /// Batches, unless they say otherwise.
    case normal = 1
    /// Batches that run when nothing else does.
    case background = 2

    /// `live`, `normal` or `background`: what users read and write.
    package var name: String {
        switch self {
        case .live: "live"
        case .normal: "normal"
        case .background: "background"
        }
    }

    /// The lane of that name; nil when there is none.
    package init?(name: String) {
        guard let lane = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = lane
    }

    /// Lanes that are served first are smaller.
    package static func < (left: Lane, right: Lane) -> Bool { left.rawValue < right.rawValue }
}
