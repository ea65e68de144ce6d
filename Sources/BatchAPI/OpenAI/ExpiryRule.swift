// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// The lifetimes that users may give files. (contracts: OpenAI files, limits)
enum ExpiryRule {
    /// Seconds that are accepted.
    static let seconds: ClosedRange<Int64> = 3_600...2_592_000

    /// The seconds of an object `{"anchor":"created_at","seconds":n}`; nil for null.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` that names the field below `param`.
    static func seconds(in tree: JSONTree, param: String) throws -> Int64? {
        if case .null = tree { return nil }
        guard case .object(let members) = tree else {
            throw BatchError.invalidType(param, expected: "an object", got: tree.kind)
        }
        let fields = JSONFields(members)
        try fields.allowOnly(["anchor", "seconds"], prefix: "\(param).")
        guard let anchor = fields["anchor"] else { throw BatchError.missing("\(param).anchor") }
        guard case .string(let word) = anchor else {
            throw BatchError.invalidType("\(param).anchor", expected: "a string", got: anchor.kind)
        }
        try check(anchor: word, param: "\(param).anchor")
        guard let length = fields["seconds"] else { throw BatchError.missing("\(param).seconds") }
        guard case .number(let text) = length else {
            throw BatchError.invalidType("\(param).seconds", expected: "an integer", got: length.kind)
        }
        return try check(seconds: text, param: "\(param).seconds")
    }

    /// Refuses any anchor but `created_at`.
    static func check(anchor: String, param: String) throws {
        guard anchor == "created_at" else {
            throw BatchError.invalidValue(anchor, param: param, supported: ["created_at"])
        }
    }

    /// The number that `text` writes, when it is in range.
    static func check(seconds text: String, param: String) throws -> Int64 {
        guard let value = Int64(text), seconds.contains(value) else {
            throw BatchError.badExpiry(param, seconds: text)
        }
        return value
    }
}
