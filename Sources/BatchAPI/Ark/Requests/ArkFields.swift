// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// The members of an object in a request to Ark's control plane, read with their types checked.
///
/// Names in faults are whole paths, such as `ModelReference.CustomModelId`. Null and absent are the same, and members
/// that nobody asks for are ignored. (contracts: Ark actions)
struct ArkFields {
    private let lookup: (String) throws -> JSONTree?
    private let prefix: String

    /// The parameters of a whole request.
    init(_ parameters: ArkParameters) {
        lookup = parameters.value(of:)
        prefix = ""
    }

    private init(_ members: [JSONTree.Member], prefix: String) {
        let fields = JSONFields(members)
        lookup = { fields[$0] }
        self.prefix = prefix
    }

    /// The whole path of a member.
    func path(_ name: String) -> String { prefix + name }

    /// A text; nil when it is absent or empty.
    func text(_ name: String) throws -> String? {
        guard let value = try value(name) else { return nil }
        guard case .string(let text) = value else { throw wrongType(name, "a string", value) }
        guard !text.utf8.contains(0) else {
            throw ArkFault.invalidParameter(
                "\(path(name)) contains a NUL character (U+0000), which cannot be stored.", detail: path(name))
        }
        return text.isEmpty ? nil : text
    }

    /// A text that must be there.
    func requiredText(_ name: String) throws -> String {
        guard let text = try text(name) else { throw missing(name) }
        return text
    }

    /// A text of `1…max` characters; nil when it is absent or empty.
    func text(_ name: String, charactersMax max: Int) throws -> String? {
        guard let text = try text(name) else { return nil }
        guard text.unicodeScalars.count <= max else {
            throw ArkFault.invalidParameter(
                "\(path(name)) has \(text.unicodeScalars.count) characters; \(max) are allowed.", detail: path(name))
        }
        return text
    }

    /// A whole number, also one that is written as text, as a query has it.
    func integer(_ name: String, in range: ClosedRange<Int>, standard: Int) throws -> Int {
        guard let value = try value(name) else { return standard }
        let text: String
        switch value {
        case .number(let written), .string(let written): text = written
        default: throw wrongType(name, "an integer", value)
        }
        guard let number = Int(text), range.contains(number) else {
            throw ArkFault.invalidParameter(
                "\(path(name)) is \(text.prefix(40)); it must be an integer of "
                    + "\(range.lowerBound)…\(range.upperBound).",
                detail: path(name))
        }
        return number
    }

    /// A truth value, also one that is written as text, as a query has it; false when it is absent.
    func flag(_ name: String) throws -> Bool {
        switch try value(name) {
        case nil: return false
        case .bool(let flag): return flag
        case .string(let text) where ["true", "false"].contains(text.lowercased()): return text.lowercased() == "true"
        case let value?: throw wrongType(name, "a boolean", value)
        }
    }

    /// One of a few words; nil when it is absent.
    func choice<Choice: RawRepresentable & CaseIterable>(_ name: String) throws -> Choice?
    where Choice.RawValue == String {
        try text(name).map { try word($0, path(name)) }
    }

    /// Words of a few; none when the list is absent.
    func choices<Choice: RawRepresentable & CaseIterable>(_ name: String) throws -> [Choice]
    where Choice.RawValue == String {
        try texts(name, countMax: Choice.allCases.count).map { try word($0, path(name)) }
    }

    /// An object; nil when it is absent.
    func object(_ name: String) throws -> ArkFields? {
        guard let value = try value(name) else { return nil }
        guard case .object(let members) = value else { throw wrongType(name, "an object", value) }
        return ArkFields(members, prefix: path(name) + ".")
    }

    /// An object that must be there.
    func requiredObject(_ name: String) throws -> ArkFields {
        guard let object = try object(name) else { throw missing(name) }
        return object
    }

    /// Objects; none when the list is absent.
    func objects(_ name: String, countMax: Int) throws -> [ArkFields] {
        try elements(name, countMax: countMax).enumerated().map { number, value in
            guard case .object(let members) = value else { throw wrongType(name, "a list of objects", value) }
            return ArkFields(members, prefix: "\(path(name)).\(number + 1).")
        }
    }

    /// Texts; none when the list is absent.
    func texts(_ name: String, countMax: Int) throws -> [String] {
        try elements(name, countMax: countMax).map { value in
            guard case .string(let text) = value, !text.utf8.contains(0) else {
                throw wrongType(name, "a list of strings", value)
            }
            return text
        }
    }

    /// The fault of a member that must be there and is not.
    func missing(_ name: String) -> ArkFault {
        .missingParameter("The required parameter \(path(name)) is missing.", detail: path(name))
    }

    private func value(_ name: String) throws -> JSONTree? {
        guard let value = try lookup(name) else { return nil }
        if case .null = value { return nil }
        return value
    }

    private func elements(_ name: String, countMax: Int) throws -> [JSONTree] {
        guard let value = try value(name) else { return [] }
        guard case .array(let elements) = value else { throw wrongType(name, "a list", value) }
        guard elements.count <= countMax else {
            throw ArkFault.invalidParameter(
                "\(path(name)) has \(elements.count) elements; \(countMax) are allowed.", detail: path(name))
        }
        return elements
    }

    private func word<Choice: RawRepresentable & CaseIterable>(_ text: String, _ path: String) throws -> Choice
    where Choice.RawValue == String {
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ArkFault.invalidParameter(
                "\(path) is '\(text.prefix(40))'; it must be one of: \(known).", detail: path)
        }
        return choice
    }

    private func wrongType(_ name: String, _ expected: String, _ value: JSONTree) -> ArkFault {
        .invalidParameter("\(path(name)) must be \(expected), but is or contains \(value.kind).", detail: path(name))
    }
}
