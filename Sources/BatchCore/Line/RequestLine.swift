// SPDX-License-Identifier: Apache-2.0

/// Why a line cannot be looked at field by field.
package enum RequestLineFault: Error, Equatable, Sendable {
    /// It is not one JSON text.
    case notJSON(JSONFault)
    /// It is valid JSON of another type.
    case notObject(JSONKind)
}

/// Where the fields of one input line lie, in byte ranges of the line; nothing is decoded. (contracts: OpenAI input
/// lines)
///
/// Keys are compared after unescaping. Of a key given twice the first value is kept and the key listed as a duplicate.
package struct RequestLine: Equatable, Sendable {
    /// `custom_id`.
    package private(set) var customID: JSONToken?
    /// `method`.
    package private(set) var method: JSONToken?
    /// `url`.
    package private(set) var url: JSONToken?
    /// `body`.
    package private(set) var body: JSONToken?
    /// `model` of the body.
    package private(set) var model: JSONToken?
    /// `stream` of the body.
    package private(set) var stream: JSONToken?
    /// `enable_thinking` of the body; given twice, the later one.
    package private(set) var thinking: JSONToken?
    /// `messages` of the body.
    package private(set) var messages: JSONToken?
    /// `input` of the body.
    package private(set) var input: JSONToken?
    /// `prompt` of the body.
    package private(set) var prompt: JSONToken?
    /// How many texts `input` asks to embed: a string or one list of token numbers is one, any other list its length.
    package private(set) var inputCount = 0
    /// Keys given twice, once each: any key of the envelope, `body.model`, `body.stream`. Other body keys are not
    /// watched.
    package private(set) var duplicateKeys: [String] = []
    /// True when the envelope has more unknown keys than may be told apart; later ones were not compared.
    package private(set) var hasTooManyKeys = false

    /// Unknown keys of the envelope seen so far, unescaped.
    private var otherKeys: Set<[UInt8]> = []

    /// Validates and reads `line`, which holds no newline.
    ///
    /// - Parameters:
    ///   - depthMax: containers the line may nest, inclusive.
    ///   - otherKeysMax: keys besides the four known ones that the envelope may have, which bounds the memory of a
    /// line.
    package static func parse(
        _ line: UnsafeRawBufferPointer, depthMax: Int = JSONScanner.defaultDepthMax, otherKeysMax: Int = 256
    ) throws(RequestLineFault) -> RequestLine {
        var request = RequestLine()
        let kind: JSONKind
        do throws(JSONFault) {
            kind = try request.read(line, depthMax, otherKeysMax)
        } catch {
            throw .notJSON(error)
        }
        guard kind == .object else { throw .notObject(kind) }
        return request
    }

    /// Reads the whole line; returns the type of its value.
    private mutating func read(
        _ line: UnsafeRawBufferPointer, _ depthMax: Int, _ otherKeysMax: Int
    ) throws(JSONFault) -> JSONKind {
        var scanner = JSONScanner(line, depthMax: depthMax)
        try scanner.start()
        let kind = try scanner.kind()
        if kind == .object {
            try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
                try takeMember(key, &scanner, otherKeysMax)
            }
        } else {
            _ = try scanner.value()
        }
        try scanner.finish()
        return kind
    }

    /// Reads one member of the envelope.
    private mutating func takeMember(
        _ key: JSONToken, _ scanner: inout JSONScanner, _ otherKeysMax: Int
    ) throws(JSONFault) {
        if scanner.reads(key, "custom_id") {
            customID = kept(customID, try scanner.value(), "custom_id")
        } else if scanner.reads(key, "method") {
            method = kept(method, try scanner.value(), "method")
        } else if scanner.reads(key, "url") {
            url = kept(url, try scanner.value(), "url")
        } else if scanner.reads(key, "body") {
            let isFirst = body == nil
            body = kept(body, isFirst ? try takeBody(&scanner) : try scanner.value(), "body")
        } else {
            takeOther(key, scanner, otherKeysMax)
            _ = try scanner.value()
        }
    }

    /// Remembers an unknown key of the envelope.
    private mutating func takeOther(_ key: JSONToken, _ scanner: JSONScanner, _ otherKeysMax: Int) {
        guard otherKeys.count < otherKeysMax else {
            hasTooManyKeys = true
            return
        }
        guard let text = JSONText.unescaped(scanner.raw(key)) else { return }
        if !otherKeys.insert(text).inserted { noteDuplicate(String(decoding: text, as: UTF8.self)) }
    }

    /// Reads the body and, when it is an object, the fields of it that the rules look at.
    private mutating func takeBody(_ scanner: inout JSONScanner) throws(JSONFault) -> JSONToken {
        guard try scanner.kind() == .object else { return try scanner.value() }
        let from = scanner.position
        try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
            try takeField(key, &scanner)
        }
        return JSONToken(kind: .object, range: from..<scanner.position)
    }

    /// Reads one member of the body.
    private mutating func takeField(_ key: JSONToken, _ scanner: inout JSONScanner) throws(JSONFault) {
        if scanner.reads(key, "model") {
            model = kept(model, try scanner.value(), "body.model")
        } else if scanner.reads(key, "stream") {
            stream = kept(stream, try scanner.value(), "body.stream")
        } else if scanner.reads(key, "messages") {
            messages = try scanner.value()
        } else if scanner.reads(key, "enable_thinking") {
            thinking = try scanner.value()
        } else if scanner.reads(key, "prompt") {
            prompt = try scanner.value()
        } else if scanner.reads(key, "input") {
            input = try takeInput(&scanner)
        } else {
            _ = try scanner.value()
        }
    }

    /// Reads `input` and counts the texts in it; given twice, both count.
    private mutating func takeInput(_ scanner: inout JSONScanner) throws(JSONFault) -> JSONToken {
        guard try scanner.kind() == .array else {
            inputCount += 1
            return try scanner.value()
        }
        let from = scanner.position
        var count = 0
        var isTokenList = false
        try scanner.elements { (scanner: inout JSONScanner) throws(JSONFault) in
            let kind = try scanner.value().kind
            if count == 0, kind == .number { isTokenList = true }
            count += 1
        }
        inputCount += isTokenList ? 1 : count
        return JSONToken(kind: .array, range: from..<scanner.position)
    }

    /// The first value of a key; when there is one already, the key is noted as given twice.
    @inline(__always)
    private mutating func kept(_ first: JSONToken?, _ token: JSONToken, _ name: StaticString) -> JSONToken {
        guard let first else { return token }
        noteDuplicate("\(name)")
        return first
    }

    /// Lists a key as given twice, once.
    private mutating func noteDuplicate(_ key: String) {
        if !duplicateKeys.contains(key) { duplicateKeys.append(key) }
    }
}
