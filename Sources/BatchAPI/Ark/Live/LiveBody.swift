// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// What is looked at in the body of a batch chat request before it is held; the rest is the backend's business.
struct LiveBody {
    /// The model as the client names it.
    let model: String

    /// Reads a body without building a tree.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` that names the field.
    init(_ bytes: [UInt8], kind: LiveKind, depthMax: Int) throws {
        let fields: Fields
        do {
            fields = try bytes.withUnsafeBytes { (view) throws(JSONFault) in
                var fields = Fields()
                try fields.read(view, field: kind.field, depthMax: depthMax)
                return fields
            }
        } catch let fault as JSONFault {
            throw BatchError.invalid(
                "We could not parse the JSON body of your request: \(fault).", code: "invalid_json")
        }
        guard fields.body == .object else {
            throw BatchError.invalid(
                "The body of the request must be a JSON object, but is \(fields.body.shown).", code: "invalid_type")
        }
        guard let modelKind = fields.modelKind, modelKind != .null else { throw BatchError.missing("model") }
        guard let model = fields.model else {
            throw BatchError.invalidType("model", expected: "a string", got: modelKind.shown)
        }
        guard !model.isEmpty, !model.utf8.contains(0) else {
            throw BatchError.invalid(
                "Invalid 'model': it is empty or contains a NUL character.", code: "invalid_value", param: "model")
        }
        self.model = model
        try Self.check(fields, kind: kind)
    }

    private static func check(_ fields: Fields, kind: LiveKind) throws {
        switch fields.stream {
        case nil, .null, .false: break
        case .true:
            throw BatchError.invalid(
                "Batch requests are not streamed: leave 'stream' out, or send false.", code: "unsupported_value",
                param: "stream")
        case let other?: throw BatchError.invalidType("stream", expected: "a boolean", got: other.shown)
        }
        guard let found = fields.field, found != .null else { throw BatchError.missing(kind.field) }
        guard kind.fieldTypes.contains(found) else {
            let expected = kind.fieldTypes.count > 1 ? "a string or an array" : "an array"
            throw BatchError.invalidType(kind.field, expected: expected, got: found.shown)
        }
        guard !fields.fieldIsEmpty else {
            throw BatchError.invalid(
                "Invalid '\(kind.field)': it is empty.", code: "invalid_value", param: kind.field)
        }
    }

    /// What one pass over the bytes finds; of a field given twice the last value counts.
    private struct Fields {
        var body = JSONKind.null
        var modelKind: JSONKind?
        var model: String?
        var stream: JSONKind?
        var field: JSONKind?
        var fieldIsEmpty = false

        mutating func read(
            _ bytes: UnsafeRawBufferPointer, field name: String, depthMax: Int
        ) throws(JSONFault) {
            var scanner = JSONScanner(bytes, depthMax: depthMax)
            try scanner.start()
            body = try scanner.kind()
            guard body == .object else {
                _ = try scanner.value()
                return try scanner.finish()
            }
            try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
                if scanner.reads(key, "model") {
                    let token = try scanner.value()
                    modelKind = token.kind
                    model = token.kind == .string ? JSONText.string(scanner.raw(token)) : nil
                } else if scanner.reads(key, "stream") {
                    stream = try scanner.value().kind
                } else if JSONText.unescaped(scanner.raw(key))?.elementsEqual(name.utf8) == true {
                    try readField(&scanner)
                } else {
                    _ = try scanner.value()
                }
            }
            try scanner.finish()
        }

        private mutating func readField(_ scanner: inout JSONScanner) throws(JSONFault) {
            let kind = try scanner.kind()
            field = kind
            guard kind == .array else {
                fieldIsEmpty = try scanner.value().range.count == 2 && kind == .string
                return
            }
            var isEmpty = true
            try scanner.elements { (scanner: inout JSONScanner) throws(JSONFault) in
                isEmpty = false
                _ = try scanner.value()
            }
            fieldIsEmpty = isEmpty
        }
    }
}
