// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One declaration at file or type level.
struct Declaration {
    /// `struct`, `func`, `let` …
    let keyword: String
    /// Its name; `init` and `subscript` for those.
    let name: String
    /// The line of its keyword, counted from zero.
    let line: Int
    /// The line of its closing bracket, or its own line when it has no body.
    var lastLine: Int
    /// True when it, or a type around it, is private.
    let isPrivate: Bool
    /// True when other targets see it.
    let isPackage: Bool
    /// True when a `///` comment stands before it or its attributes.
    let isDocumented: Bool
}

/// Finds declarations by counting brackets; what is declared inside of functions is not looked at.
struct DeclarationFinder {
    private struct Scope {
        let isType: Bool
        let isPrivate: Bool
        let declaration: Int?
    }

    private static let types: Set = ["struct", "class", "enum", "actor", "protocol", "extension"]
    private static let members: Set = ["func", "var", "let", "init", "subscript", "typealias"]
    private static let modifiers: Set = [
        "package", "public", "internal", "private", "fileprivate", "open", "static", "final", "override", "mutating",
        "nonmutating", "nonisolated", "indirect", "lazy", "weak", "unowned", "required", "convenience", "consuming",
        "borrowing", "class", "unsafe", "set", "prefix", "postfix", "infix",
    ]

    private var scopes: [Scope] = []
    private var found: [Declaration] = []
    private var pending: Scope?
    private var isDocumented = false
    private var openBrackets = 0

    /// The declarations of a scanned file, in order.
    static func declarations(in lines: [ScannedLine]) -> [Declaration] {
        var finder = DeclarationFinder()
        for (index, line) in lines.enumerated() { finder.read(line, index) }
        return finder.found
    }

    private mutating func read(_ line: ScannedLine, _ index: Int) {
        if line.comments.hasPrefix("///") { isDocumented = true }
        let words = line.words
        if !line.beginsInside, scopes.allSatisfy(\.isType), openBrackets == 0 { declare(words, line, index) }
        count(line.code, index)
        let isOnlyAttributes = words.first?.hasPrefix("@") == true && !words.contains(where: Self.isKeyword)
        if !words.isEmpty, !isOnlyAttributes { isDocumented = false }
    }

    private static func isKeyword(_ word: String) -> Bool { types.contains(word) || members.contains(word) }

    private mutating func declare(_ words: [String], _ line: ScannedLine, _ index: Int) {
        var attributed = words[...]
        while let first = attributed.first, first.hasPrefix("@") || Self.modifiers.contains(first) {
            // `class func` is a modifier, `class Name` a type.
            if first == "class", !attributed.dropFirst().contains(where: Self.members.contains) { break }
            // What follows an attribute in brackets belongs to it.
            attributed = attributed.dropFirst()
            while first.hasPrefix("@"), line.code.contains("\(first)("), let next = attributed.first,
                !Self.isKeyword(next), !Self.modifiers.contains(next)
            {
                attributed = attributed.dropFirst()
            }
        }
        guard let keyword = attributed.first, Self.isKeyword(keyword) else { return }
        let before = words.prefix(words.count - attributed.count)
        let isPrivate = before.contains("fileprivate") || Self.hidesAll(before, line.code)
        let isHidden = isPrivate || scopes.contains(where: \.isPrivate)
        let isType = Self.types.contains(keyword)
        let name = keyword == "init" || keyword == "subscript" ? keyword : Self.name(after: keyword, in: line.code)
        found.append(
            Declaration(
                keyword: keyword, name: name, line: index, lastLine: index, isPrivate: isHidden,
                isPackage: before.contains("package"), isDocumented: isDocumented))
        pending = Scope(isType: isType, isPrivate: isHidden, declaration: found.count - 1)
    }

    /// `private let`, but not `private(set) var`.
    private static func hidesAll(_ words: ArraySlice<String>, _ code: String) -> Bool {
        words.contains("private") && !code.contains("private(set)")
    }

    private static func name(after keyword: String, in code: String) -> String {
        guard let range = code.range(of: keyword + " ") else { return "" }
        let rest = code[range.upperBound...]
        if rest.hasPrefix("`") { return String(rest.dropFirst().prefix { $0 != "`" }) }
        return String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
    }

    private mutating func count(_ code: String, _ index: Int) {
        for byte in code.utf8 {
            switch byte {
            case UInt8(ascii: "("), UInt8(ascii: "["): openBrackets += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): openBrackets -= 1
            case UInt8(ascii: "{"):
                // A closure in a default argument is part of the declaration, not its body.
                let opens = openBrackets == 0 ? pending : nil
                scopes.append(opens ?? Scope(isType: false, isPrivate: false, declaration: nil))
                if opens != nil { pending = nil }
            case UInt8(ascii: "}"):
                if let declaration = scopes.popLast()?.declaration { found[declaration].lastLine = index }
            default: break
            }
        }
    }
}

extension String {
    /// The text without spaces at either end.
    var trimmed: String {
        let inner = drop(while: \.isWhitespace)
        return String(inner.reversed().drop(while: \.isWhitespace).reversed())
    }
}
