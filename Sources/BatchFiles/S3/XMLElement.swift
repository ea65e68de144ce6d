// SPDX-License-Identifier: Apache-2.0

/// An element of the small XML documents that stores send: names, text and children; attributes are read over.
///
/// Strict, and smaller than XML on purpose: no document types (hence no entities but the five of XML itself and
/// numbers), UTF-8 only, bounded depth. Whoever sends anything else is no store.
package struct XMLElement: Sendable {
    /// Name without a namespace prefix.
    package let name: String
    /// Text directly in it, entities resolved.
    package fileprivate(set) var text = ""
    /// Elements directly in it, in order.
    package fileprivate(set) var children: [XMLElement] = []

    /// Deepest nesting.
    package static let depthMax = 16

    /// Reads a whole document.
    ///
    /// - Throws: ``XMLProblem`` for anything but one well-formed element with what may surround it.
    package init(parsing bytes: [UInt8]) throws(XMLProblem) {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw XMLProblem("it is not UTF-8") }
        var reader = XMLReader(Array(text.utf8))
        self = try reader.document()
    }

    fileprivate init(name: String) { self.name = name }

    /// First child of that name.
    package func first(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// Children of that name, in order.
    package func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

    /// Text of the first child of that name.
    package subscript(_ name: String) -> String? { first(name)?.text }
}

/// Why bytes are no XML document of a store.
package struct XMLProblem: Error, Hashable, Sendable {
    /// What is wrong.
    package let text: String

    /// A problem.
    package init(_ text: String) { self.text = text }
}

/// Reads from left to right; never goes back.
private struct XMLReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
    }

    mutating func document() throws(XMLProblem) -> XMLElement {
        try skipMisc()
        guard take("<") else { throw XMLProblem("it does not begin with an element") }
        let root = try element(depth: 1)
        try skipMisc()
        guard rest.isEmpty else { throw XMLProblem("something follows its only element") }
        return root
    }

    /// After the `<` of a start tag, to the end of the element.
    private mutating func element(depth: Int) throws(XMLProblem) -> XMLElement {
        guard depth <= XMLElement.depthMax else { throw XMLProblem("it is nested too deep") }
        let fullName = try name()
        var result = XMLElement(name: fullName.split(separator: ":").last.map(String.init) ?? fullName)
        if try attributes() { return result }
        var text: [UInt8] = []
        while let byte = rest.first {
            if byte == UInt8(ascii: "&") {
                rest = rest.dropFirst()
                text += Array(String(try entity()).utf8)
            } else if byte != UInt8(ascii: "<") {
                text.append(byte)
                rest = rest.dropFirst()
            } else if take("</") {
                guard try name() == fullName else { throw XMLProblem("<\(fullName)> is closed by another name") }
                skipBlanks()
                guard take(">") else { throw XMLProblem("the end of <\(fullName)> is malformed") }
                result.text = String(decoding: text, as: UTF8.self)
                return result
            } else if take("<![CDATA[") {
                text += try skip(past: "]]>")
            } else if take("<!--") {
                _ = try skip(past: "-->")
            } else if take("<?") {
                _ = try skip(past: "?>")
            } else {
                _ = take("<")
                result.children.append(try element(depth: depth + 1))
            }
        }
        throw XMLProblem("it ends inside <\(fullName)>")
    }

    /// Reads over attributes and the end of the start tag; true when the element is empty and over.
    private mutating func attributes() throws(XMLProblem) -> Bool {
        while true {
            skipBlanks()
            if take("/>") { return true }
            if take(">") { return false }
            _ = try name()
            skipBlanks()
            guard take("=") else { throw XMLProblem("an attribute has no value") }
            skipBlanks()
            guard let quote = rest.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
                throw XMLProblem("an attribute's value has no quotes")
            }
            rest = rest.dropFirst()
            guard let end = rest.firstIndex(of: quote), !rest[..<end].contains(UInt8(ascii: "<")) else {
                throw XMLProblem("an attribute's value has no end")
            }
            rest = rest[(end + 1)...]
        }
    }

    private mutating func name() throws(XMLProblem) -> String {
        let bytes = rest.prefix { byte in
            !(byte <= 0x20 || "<>/=&\"'!?".utf8.contains(byte))
        }
        guard !bytes.isEmpty else { throw XMLProblem("a name is missing") }
        rest = rest[bytes.endIndex...]
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func entity() throws(XMLProblem) -> Unicode.Scalar {
        let word = rest.prefix(12).prefix { $0 != UInt8(ascii: ";") }
        guard rest.dropFirst(word.count).first == UInt8(ascii: ";") else { throw XMLProblem("an entity has no end") }
        rest = rest.dropFirst(word.count + 1)
        let text = String(decoding: word, as: UTF8.self)
        switch text {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default:
            let isHex = text.hasPrefix("#x")
            guard text.hasPrefix("#"), let number = UInt32(text.dropFirst(isHex ? 2 : 1), radix: isHex ? 16 : 10),
                let scalar = Unicode.Scalar(number)
            else { throw XMLProblem("the entity &\(text); is unknown") }
            return scalar
        }
    }

    /// Blanks, comments and instructions around the document's element.
    private mutating func skipMisc() throws(XMLProblem) {
        while true {
            skipBlanks()
            if take("<?") {
                _ = try skip(past: "?>")
            } else if take("<!--") {
                _ = try skip(past: "-->")
            } else {
                return
            }
        }
    }

    private mutating func skipBlanks() {
        rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        let isThere = text.withUTF8Buffer { rest.starts(with: $0) }
        if isThere { rest = rest.dropFirst(text.utf8CodeUnitCount) }
        return isThere
    }

    private mutating func skip(past text: String) throws(XMLProblem) -> ArraySlice<UInt8> {
        let mark = Array(text.utf8)
        var index = rest.startIndex
        while index + mark.count <= rest.endIndex {
            if rest[index..<(index + mark.count)].elementsEqual(mark) {
                defer { rest = rest[(index + mark.count)...] }
                return rest[..<index]
            }
            index += 1
        }
        throw XMLProblem("\"\(text)\" is missing")
    }
}
