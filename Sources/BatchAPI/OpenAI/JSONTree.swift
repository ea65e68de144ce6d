// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// A parsed JSON request body: strict, of bounded depth, with members in the order they were written.
///
/// Foundation's parsers lose that order and accept what is no JSON; bodies of API calls are small, so a tree is fine.
indirect enum JSONTree {
    case null
    case bool(Bool)
    /// The number as it was written.
    case number(String)
    case string(String)
    case array([JSONTree])
    case object([Member])

    /// One member of an object.
    struct Member {
        /// The member's name.
        let name: String
        /// The member's value.
        let value: JSONTree
    }

    /// The type as error messages name it.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number(let text): Int64(text) == nil ? "a number" : "an integer"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// Containers that may be nested in a request body.
    static let depthMax = 32

    /// Parses a whole JSON text.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` that says where it stops being JSON.
    static func parse(_ bytes: [UInt8]) throws -> JSONTree {
        do {
            return try bytes.withUnsafeBytes { (view) throws(JSONFault) in
                var scanner = JSONScanner(view, depthMax: depthMax)
                try scanner.start()
                let tree = try read(&scanner, view)
                try scanner.finish()
                return tree
            }
        } catch let fault as JSONFault {
            throw BatchError.invalid(
                "We could not parse the JSON body of your request: \(fault).", code: "invalid_json")
        }
    }

    private static func read(
        _ scanner: inout JSONScanner, _ bytes: UnsafeRawBufferPointer
    ) throws(JSONFault) -> JSONTree {
        switch try scanner.kind() {
        case .object:
            var members: [Member] = []
            try scanner.members { (inner, key) throws(JSONFault) in
                let name = text(of: key, bytes)
                members.append(Member(name: name, value: try read(&inner, bytes)))
            }
            return .object(members)
        case .array:
            var elements: [JSONTree] = []
            try scanner.elements { (inner) throws(JSONFault) in
                elements.append(try read(&inner, bytes))
            }
            return .array(elements)
        case .string: return .string(text(of: try scanner.value(), bytes))
        case .number: return .number(String(decoding: bytes[try scanner.value().range], as: UTF8.self))
        case .true, .false: return .bool(try scanner.value().kind == .true)
        case .null:
            _ = try scanner.value()
            return .null
        }
    }

    private static func text(of token: JSONToken, _ bytes: UnsafeRawBufferPointer) -> String {
        // The scanner has accepted the token, so it can be unescaped.
        let raw = UnsafeRawBufferPointer(rebasing: bytes[token.range])
        return JSONText.string(raw) ?? ""
    }
}

/// The members of a JSON object by name; of a repeated name the last value counts, at the first one's place.
struct JSONFields {
    /// The names in order.
    private(set) var names: [String] = []
    private var values: [String: JSONTree] = [:]

    /// The fields of an object's members.
    init(_ members: [JSONTree.Member]) {
        for member in members {
            if values.updateValue(member.value, forKey: member.name) == nil { names.append(member.name) }
        }
    }

    /// The value of a field, or nil when it is absent.
    subscript(name: String) -> JSONTree? { values[name] }

    /// Refuses fields beyond `known`; `prefix` stands before their names in the message.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` with code `unknown_parameter`.
    func allowOnly(_ known: Set<String>, prefix: String = "") throws {
        if let unknown = names.first(where: { !known.contains($0) }) {
            throw BatchError.unknownParameter(prefix + unknown)
        }
    }
}
