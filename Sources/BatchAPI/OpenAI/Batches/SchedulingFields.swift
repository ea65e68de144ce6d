// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// When a batch goes before others: two fields of our own beside OpenAI's.
struct SchedulingFields: Hashable, Sendable {
    /// `priority`, -100…100; nil when it is absent or null.
    let priority: Int16?
    /// `lane`; nil when it is absent or null.
    let lane: Lane?

    private static let priorities = -100...100
    /// The lanes that batches may be in.
    private static let lanes: [Lane] = [.normal, .background]

    /// Reads both fields.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for the first that is wrong.
    init(_ fields: JSONFields) throws {
        priority = try fields["priority"].flatMap(Self.priority)
        lane = try fields["lane"].flatMap(Self.lane)
    }

    private static func priority(_ tree: JSONTree) throws -> Int16? {
        if case .null = tree { return nil }
        guard case .number(let text) = tree, let value = Int(text) else {
            throw BatchError.invalidType("priority", expected: "an integer", got: tree.kind)
        }
        guard priorities.contains(value) else {
            throw BatchError.outOfRange("priority", value: value, range: priorities)
        }
        return Int16(value)
    }

    private static func lane(_ tree: JSONTree) throws -> Lane? {
        if case .null = tree { return nil }
        guard case .string(let name) = tree else {
            throw BatchError.invalidType("lane", expected: "a string", got: tree.kind)
        }
        let lane = Lane(name: name)
        if lane == .live {
            throw BatchError.invalid(
                "Invalid value for 'lane': 'live' is reserved for requests that somebody waits for. Supported values "
                    + "for batches are: 'normal' and 'background'.", code: "invalid_value", param: "lane")
        }
        guard let lane, lanes.contains(lane) else {
            throw BatchError.invalidValue(name, param: "lane", supported: lanes.map(\.name))
        }
        return lane
    }
}
