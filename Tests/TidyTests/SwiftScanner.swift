// SPDX-License-Identifier: Apache-2.0

/// One line of Swift, with its parts told apart.
struct ScannedLine: Sendable {
    /// The code; comments are cut and the insides of string literals blanked.
    var code = ""
    /// What stands in string literals.
    var literals = ""
    /// What stands in comments, with their marks.
    var comments = ""
    /// True when the line begins inside of a multi-line literal or a block comment.
    var beginsInside = false

    /// The identifiers and keywords of the code, in order; operators and brackets are left out.
    var words: [String] {
        code.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "@") }.map(String.init)
    }
}

/// Tells code, string literals and comments apart, which is all that the rules need of Swift's grammar.
///
/// Regex literals are not known; the house does without them.
struct SwiftScanner {
    private enum Mode: Equatable {
        case code
        /// Code inside of `\(…)`, with the number of brackets that are still open.
        case interpolation(open: Int)
        case literal(hashes: Int, isMultiline: Bool)
        case identifier
        case lineComment
        case blockComment(depth: Int)
    }

    private var modes: [Mode] = [.code]
    private var line = ScannedLine()
    private var lines: [ScannedLine] = []
    private let text: [UInt8]
    private var at = 0
    private var code: [UInt8] = []
    private var literals: [UInt8] = []
    private var comments: [UInt8] = []

    private init(_ text: String) { self.text = Array(text.utf8) }

    /// The scanned lines of a file.
    static func scan(_ text: String) -> [ScannedLine] {
        var scanner = SwiftScanner(text)
        while scanner.at < scanner.text.count { scanner.step() }
        scanner.endLine()
        return scanner.lines
    }

    private mutating func step() {
        guard text[at] != UInt8(ascii: "\n") else {
            if modes.last == .lineComment { modes.removeLast() }
            if modes.last == .identifier { modes.removeLast() }
            endLine()
            at += 1
            return
        }
        switch modes.last ?? .code {
        case .code: stepCode(open: nil)
        case .interpolation(let open): stepCode(open: open)
        case .literal(let hashes, let isMultiline): stepLiteral(hashes, isMultiline)
        case .identifier:
            if take("`", into: \.code) { modes.removeLast() } else { take(1, into: \.code) }
        case .lineComment: take(1, into: \.comments)
        case .blockComment(let depth): stepBlockComment(depth)
        }
    }

    private mutating func stepCode(open: Int?) {
        if take("//", into: \.comments) {
            modes.append(.lineComment)
        } else if take("/*", into: \.comments) {
            modes.append(.blockComment(depth: 1))
        } else if take("`", into: \.code) {
            modes.append(.identifier)
        } else if beginLiteral() {
            return
        } else if let open, text[at] == UInt8(ascii: "(") || text[at] == UInt8(ascii: ")") {
            let left = open + (text[at] == UInt8(ascii: "(") ? 1 : -1)
            modes.removeLast()
            if left > 0 { modes.append(.interpolation(open: left)) }
            take(1, into: \.code)
        } else {
            take(1, into: \.code)
        }
    }

    private mutating func beginLiteral() -> Bool {
        var hashes = 0
        while at + hashes < text.count, text[at + hashes] == UInt8(ascii: "#") { hashes += 1 }
        guard at + hashes < text.count, text[at + hashes] == UInt8(ascii: "\"") else { return false }
        take(hashes, into: \.code)
        let isMultiline = has("\"\"\"")
        take(isMultiline ? 3 : 1, into: \.code)
        modes.append(.literal(hashes: hashes, isMultiline: isMultiline))
        return true
    }

    private mutating func stepLiteral(_ hashes: Int, _ isMultiline: Bool) {
        let marks = String(repeating: "#", count: hashes)
        if take((isMultiline ? "\"\"\"" : "\"") + marks, into: \.code) {
            modes.removeLast()
        } else if take("\\\(marks)(", into: \.code) {
            modes.append(.interpolation(open: 1))
        } else if has("\\" + marks), at + hashes + 1 < text.count, text[at + hashes + 1] != UInt8(ascii: "\n") {
            take(hashes + 2, into: \.literals)
        } else {
            take(1, into: \.literals)
        }
    }

    private mutating func stepBlockComment(_ depth: Int) {
        if take("*/", into: \.comments) {
            modes.removeLast()
            if depth > 1 { modes.append(.blockComment(depth: depth - 1)) }
        } else if take("/*", into: \.comments) {
            modes[modes.count - 1] = .blockComment(depth: depth + 1)
        } else {
            take(1, into: \.comments)
        }
    }

    private func has(_ mark: String) -> Bool { text[at...].starts(with: mark.utf8) }

    private mutating func take(_ count: Int, into part: WritableKeyPath<SwiftScanner, [UInt8]>) {
        self[keyPath: part].append(contentsOf: text[at..<(at + count)])
        at += count
    }

    @discardableResult
    private mutating func take(_ mark: String, into part: WritableKeyPath<SwiftScanner, [UInt8]>) -> Bool {
        guard has(mark) else { return false }
        take(mark.utf8.count, into: part)
        return true
    }

    private mutating func endLine() {
        line.code = String(decoding: code, as: UTF8.self)
        line.literals = String(decoding: literals, as: UTF8.self)
        line.comments = String(decoding: comments, as: UTF8.self)
        lines.append(line)
        (code, literals, comments) = ([], [], [])
        line = ScannedLine(beginsInside: modes.count > 1)
    }
}
