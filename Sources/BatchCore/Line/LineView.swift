// SPDX-License-Identifier: Apache-2.0

/// One line under examination: its bytes, its fields, and the problems found so far.
struct LineView {
    /// The line without its line break.
    let bytes: UnsafeRawBufferPointer
    /// Physical line, 1-based.
    let number: Int
    /// Where the fields lie.
    let request: RequestLine
    /// The keys a line needs, as a message lists them.
    let keys: String
    /// What was found.
    private(set) var problems: [LineProblem] = []

    /// A line nobody has found fault with yet.
    init(bytes: UnsafeRawBufferPointer, number: Int, request: RequestLine, keys: String) {
        self.bytes = bytes
        self.number = number
        self.request = request
        self.keys = keys
    }

    /// The bytes of a field, as they stand.
    func raw(_ token: JSONToken) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[token.range])
    }

    /// True when the string `token` reads `text`, escapes resolved.
    func reads(_ token: JSONToken, _ text: String) -> Bool {
        let raw = raw(token)
        if token.hasEscapes { return JSONText.unescaped(raw).map { $0.elementsEqual(text.utf8) } ?? false }
        return raw.dropFirst().dropLast().elementsEqual(text.utf8)
    }

    /// The text of a string field for a message.
    func shown(_ token: JSONToken) -> String {
        LineProblem.shown(JSONText.string(raw(token)) ?? "")
    }

    /// Adds a problem; `finding` goes on after `Line 7 `.
    mutating func report(_ code: LineProblem.Code, _ param: String?, _ finding: String) {
        problems.append(LineProblem(code, param: param, line: number, "Line \(number) \(finding)"))
    }

    /// Adds the problem of an absent envelope key.
    mutating func missing(_ key: String) {
        report(
            .missingRequiredParameter, key, "has no '\(key)'. Every line needs \(keys).")
    }

    /// `token` when it is a string; otherwise nil, and a problem unless it may be absent and is.
    mutating func string(_ token: JSONToken?, _ key: String, isRequired: Bool) -> JSONToken? {
        guard let token else {
            if isRequired { missing(key) }
            return nil
        }
        guard token.kind == .string else {
            report(.invalidRequest, key, "has a '\(key)' that is \(token.kind.shown). It must be a string.")
            return nil
        }
        return token
    }
}
