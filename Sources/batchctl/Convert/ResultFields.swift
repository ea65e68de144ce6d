// SPDX-License-Identifier: Apache-2.0
internal import BatchCore

/// The columns of a result line, read from its bytes without a tree; each is UTF-8, and empty when there is none.
///
/// Understood are the lines of this server in both profiles, those of vLLM (an error inside `error.error`, or a bare
/// text), and vLLM's older ones, whose `response` is the answer itself. Texts are unescaped; numbers, lists and objects
/// stand as they were written.
struct ResultFields: Hashable {
    /// The columns' names, in the order of ``row``.
    static let names = [
        "custom_id", "model", "request_id", "status_code", "error_code", "error_message", "created", "content", "usage",
    ]

    private var customID: [UInt8] = []
    private var requestID: [UInt8] = []
    private var statusCode: [UInt8] = []
    private var error = ErrorFields()
    private var answer = AnswerFields()

    /// The columns' values.
    var row: [[UInt8]] {
        let shown = error.isEmpty ? answer.error : error
        return [
            customID, answer.model, requestID, statusCode, shown.code, shown.message, answer.created, answer.content,
            answer.usage,
        ]
    }

    /// Reads a complete line.
    ///
    /// - Throws: where it is no JSON object.
    init(_ line: UnsafeRawBufferPointer) throws(JSONFault) {
        var scanner = JSONScanner(line)
        try scanner.start()
        try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
            if scanner.reads(key, "custom_id") {
                customID = Self.text(try scanner.value(), scanner)
            } else if scanner.reads(key, "response"), try scanner.kind() == .object {
                try takeResponse(&scanner)
            } else if scanner.reads(key, "error") {
                try error.take(&scanner)
            } else {
                _ = try scanner.value()
            }
        }
        try scanner.finish()
    }

    private mutating func takeResponse(_ scanner: inout JSONScanner) throws(JSONFault) {
        var bare = AnswerFields()
        var hasBody = false
        try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
            if scanner.reads(key, "request_id") {
                requestID = Self.text(try scanner.value(), scanner)
            } else if scanner.reads(key, "status_code") {
                statusCode = Self.text(try scanner.value(), scanner)
            } else if scanner.reads(key, "body") {
                hasBody = true
                guard try scanner.kind() == .object else {
                    _ = try scanner.value()
                    return
                }
                try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
                    try answer.take(key, &scanner)
                }
            } else {
                try bare.take(key, &scanner)
            }
        }
        if !hasBody { answer = bare }
    }

    /// The text of a string, nothing of null, anything else as it was written.
    fileprivate static func text(_ token: JSONToken, _ scanner: JSONScanner) -> [UInt8] {
        switch token.kind {
        case .null: []
        case .string: JSONText.unescaped(scanner.raw(token)) ?? []
        default: Array(scanner.raw(token))
        }
    }
}

/// What `error` says, whichever of its forms it has.
private struct ErrorFields: Hashable {
    var code: [UInt8] = []
    var message: [UInt8] = []

    var isEmpty: Bool { code.isEmpty && message.isEmpty }

    mutating func take(_ scanner: inout JSONScanner) throws(JSONFault) {
        guard try scanner.kind() == .object else {
            message = ResultFields.text(try scanner.value(), scanner)
            return
        }
        try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
            if scanner.reads(key, "error") {
                try take(&scanner)
            } else if scanner.reads(key, "code") || scanner.reads(key, "error_code") {
                code = ResultFields.text(try scanner.value(), scanner)
            } else if scanner.reads(key, "message") || scanner.reads(key, "error_message") {
                message = ResultFields.text(try scanner.value(), scanner)
            } else {
                _ = try scanner.value()
            }
        }
    }
}

/// What the answer of a model says.
private struct AnswerFields: Hashable {
    var model: [UInt8] = []
    var created: [UInt8] = []
    var content: [UInt8] = []
    var usage: [UInt8] = []
    var error = ErrorFields()

    mutating func take(_ key: JSONToken, _ scanner: inout JSONScanner) throws(JSONFault) {
        if scanner.reads(key, "model") {
            model = ResultFields.text(try scanner.value(), scanner)
        } else if scanner.reads(key, "created") {
            created = ResultFields.text(try scanner.value(), scanner)
        } else if scanner.reads(key, "usage") {
            usage = ResultFields.text(try scanner.value(), scanner)
        } else if scanner.reads(key, "error") {
            try error.take(&scanner)
        } else if scanner.reads(key, "choices"), try scanner.kind() == .array {
            var index = 0
            try scanner.elements { (scanner: inout JSONScanner) throws(JSONFault) in
                if index == 0, try scanner.kind() == .object {
                    try takeChoice(&scanner)
                } else {
                    _ = try scanner.value()
                }
                index += 1
            }
        } else {
            _ = try scanner.value()
        }
    }

    private mutating func takeChoice(_ scanner: inout JSONScanner) throws(JSONFault) {
        try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
            if scanner.reads(key, "message"), try scanner.kind() == .object {
                try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
                    let value = try scanner.value()
                    if scanner.reads(key, "content") { content = ResultFields.text(value, scanner) }
                }
            } else if scanner.reads(key, "text") {
                content = ResultFields.text(try scanner.value(), scanner)
            } else {
                _ = try scanner.value()
            }
        }
    }
}
