// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore

/// The bodies of requests about webhook endpoints, checked. (contracts: endpoint management)
enum EndpointRequest {
    /// Longest name, in Unicode scalars.
    private static let nameMax = 256

    /// `name`, `url` and `event_types`, all of them.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for the first thing that is wrong.
    static func create(_ body: [UInt8]) throws -> (name: String, url: String, types: [EventType]) {
        let fields = try fields(body, known: ["name", "url", "event_types"])
        let change = try change(fields)
        guard let url = change.url else { throw BatchError.missing("url") }
        guard let types = change.eventTypes else { throw BatchError.missing("event_types") }
        guard let name = change.name else { throw BatchError.missing("name") }
        return (name, url, types)
    }

    /// Any of `name`, `url`, `event_types` and, an extension, `status`.
    static func update(_ body: [UInt8]) throws -> EndpointChange {
        try change(try fields(body, known: ["name", "url", "event_types", "status"]))
    }

    /// `keep_old_secret_active_for_24_hours`; false unless given. The body is optional.
    static func keepsOldSecret(_ body: [UInt8]) throws -> Bool {
        let name = "keep_old_secret_active_for_24_hours"
        guard let tree = try fields(body, known: [name])[name] else { return false }
        switch tree {
        case .bool(let value): return value
        case .null: return false
        default: throw BatchError.invalidType(name, expected: "a boolean", got: tree.kind)
        }
    }

    /// `event_type` of a test.
    static func testedType(_ body: [UInt8]) throws -> EventType {
        guard let tree = try fields(body, known: ["event_type"])["event_type"] else {
            throw BatchError.missing("event_type")
        }
        return try type(tree, param: "event_type")
    }

    /// What is replayed.
    static func replay(_ body: [UInt8]) throws -> DeliveryReplay {
        let fields = try fields(body, known: ["endpoint_id", "since", "until", "status", "missed"])
        guard let endpoint = try fields["endpoint_id"].map({ try text($0, param: "endpoint_id") }) else {
            throw BatchError.missing("endpoint_id")
        }
        guard let since = try fields["since"].map({ try seconds($0, param: "since") }) else {
            throw BatchError.missing("since")
        }
        var replay = DeliveryReplay(endpoint: EndpointID(rawValue: endpoint), since: since)
        if let until = fields["until"], until.kind != JSONTree.null.kind {
            replay.until = try seconds(until, param: "until")
        }
        if let status = try fields["status"].map({ try text($0, param: "status") }) {
            let choices: [(String, DeliveryStatus?)] = [
                ("exhausted", .exhausted), ("delivered", .delivered), ("all", nil),
            ]
            guard let choice = choices.first(where: { $0.0 == status }) else {
                throw BatchError.invalidValue(status, param: "status", supported: choices.map(\.0))
            }
            replay.status = choice.1
        }
        if let missed = fields["missed"] {
            guard case .bool(let value) = missed else {
                throw BatchError.invalidType("missed", expected: "a boolean", got: missed.kind)
            }
            replay.includesMissed = value
        }
        return replay
    }

    private static func fields(_ body: [UInt8], known: Set<String>) throws -> JSONFields {
        let tree = body.isEmpty ? .object([]) : try JSONTree.parse(body)
        guard case .object(let members) = tree else {
            throw BatchError.invalid("The body of the request must be a JSON object, but is \(tree.kind).")
        }
        let fields = JSONFields(members)
        try fields.allowOnly(known)
        return fields
    }

    private static func change(_ fields: JSONFields) throws -> EndpointChange {
        var change = EndpointChange()
        change.name = try fields["name"].map(name)
        change.url = try fields["url"].map { try WebhookFields.url(text($0, param: "url"), param: "url") }
        change.eventTypes = try fields["event_types"].map(types)
        if let status = try fields["status"].map({ try text($0, param: "status") }) {
            guard status == "enabled" || status == "disabled" else {
                throw BatchError.invalidValue(status, param: "status", supported: ["enabled", "disabled"])
            }
            change.isEnabled = status == "enabled"
        }
        return change
    }

    private static func name(_ tree: JSONTree) throws -> String {
        let name = try text(tree, param: "name")
        guard (1...nameMax).contains(name.unicodeScalars.count) else {
            throw BatchError.invalid(
                "Invalid 'name': expected 1 to \(nameMax) characters, but got \(name.unicodeScalars.count).",
                code: "invalid_value", param: "name")
        }
        return name
    }

    private static func types(_ tree: JSONTree) throws -> [EventType] {
        guard case .array(let elements) = tree else {
            throw BatchError.invalidType("event_types", expected: "an array of strings", got: tree.kind)
        }
        var types: [EventType] = []
        for (index, element) in elements.enumerated() {
            let type = try type(element, param: "event_types[\(index)]")
            if !types.contains(type) { types.append(type) }
        }
        guard !types.isEmpty else {
            throw BatchError.invalid(
                "Invalid 'event_types': expected at least one event type.", code: "invalid_value", param: "event_types")
        }
        return types
    }

    private static func type(_ tree: JSONTree, param: String) throws -> EventType {
        let word = try text(tree, param: param)
        guard let type = EventType(rawValue: word) else {
            throw BatchError.invalidValue(word, param: param, supported: EventType.allCases.map(\.rawValue))
        }
        return type
    }

    private static func text(_ tree: JSONTree, param: String) throws -> String {
        guard case .string(let text) = tree else {
            throw BatchError.invalidType(param, expected: "a string", got: tree.kind)
        }
        guard !text.utf8.contains(0) else { throw BatchError.containsNUL(param) }
        return text
    }

    private static func seconds(_ tree: JSONTree, param: String) throws -> Int64 {
        // What PostgreSQL can take for an instant ends long after this.
        guard case .number(let text) = tree, let value = Int64(text), (0...32_503_680_000).contains(value) else {
            throw BatchError.invalidType(param, expected: "an integer number of Unix seconds", got: tree.kind)
        }
        return value
    }
}
