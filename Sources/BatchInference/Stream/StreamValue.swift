// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// A JSON value that grows piece by piece, made of the tokens it came in: numbers and escapes stay as they were
/// written. It is taken apart only where a further piece makes that necessary.
///
/// A class, so that what grows is changed in its place; used within one function only.
final class StreamValue {
    /// A member of an object.
    struct Member {
        /// The raw name, quotes included, without escapes that need not be.
        let name: [UInt8]
        /// Its value.
        let value: StreamValue

        /// Whether it is called so.
        func isCalled(_ text: StaticString) -> Bool { StreamValue.reads(name, text) }
    }

    /// What it is at the moment.
    private(set) var kind: JSONKind
    /// The whole token; once it has grown, what stands between a string's quotes or a list's brackets.
    private var bytes: [UInt8]
    private var isWhole = true
    /// The members of an object that was taken apart.
    private var members: [Member] = []
    /// The elements of a list that was taken apart, each with its raw `index` if it has one.
    private var items: [(index: [UInt8]?, value: StreamValue)]?
    /// Whether the first element of a list is known to have no `index`: what has grown is not looked at again.
    private var isPlainList = false

    /// A value as it stands.
    init(_ kind: JSONKind, _ token: [UInt8]) {
        self.kind = kind
        bytes = token
    }

    /// Reads the value at the scanner.
    static func read(_ scanner: inout JSONScanner) throws(JSONFault) -> StreamValue {
        let token = try scanner.value()
        return StreamValue(token.kind, Array(scanner.raw(token)))
    }

    /// Reads `text` as a complete object of members.
    ///
    /// - Throws: when it is no JSON. Returns nil when it is JSON of another kind.
    static func members(of text: [UInt8]) throws(JSONFault) -> [Member]? {
        let read = text.withUnsafeBytes { view -> Result<[Member]?, JSONFault> in
            do throws(JSONFault) { return .success(try scan(view)) } catch { return .failure(error) }
        }
        return try read.get()
    }

    private static func scan(_ view: UnsafeRawBufferPointer) throws(JSONFault) -> [Member]? {
        var scanner = JSONScanner(view)
        try scanner.start()
        guard try scanner.kind() == .object else {
            _ = try scanner.value()
            try scanner.finish()
            return nil
        }
        var members: [Member] = []
        try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
            var name = Array(scanner.raw(key))
            if key.hasEscapes, let text = JSONText.unescaped(scanner.raw(key)) {
                name = []
                text.withUnsafeBytes { JSONText.appendEscaped($0, to: &name) }
            }
            members.append(Member(name: name, value: try read(&scanner)))
        }
        try scanner.finish()
        return members
    }

    private static func reads(_ name: [UInt8], _ text: StaticString) -> Bool {
        name.count == text.utf8CodeUnitCount + 2
            && name.dropFirst().dropLast().elementsEqual(
                UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

// Looking at it.
extension StreamValue {
    /// The text of a string; nil for anything else.
    var text: String? { textBytes.map { String(decoding: $0, as: UTF8.self) } }

    /// The text of a string as UTF-8; nil for anything else.
    var textBytes: [UInt8]? {
        guard kind == .string else { return nil }
        return token.withUnsafeBytes { JSONText.unescaped($0) }
    }

    /// A number written with few digits only; nil for anything else.
    var integer: Int? {
        guard kind == .number, bytes.count <= 18 else { return nil }
        return Int(String(decoding: bytes, as: UTF8.self))
    }

    /// Whether it says nothing: null, or a string without text.
    var isEmpty: Bool { kind == .null || kind == .string && (isWhole ? bytes.count == 2 : bytes.isEmpty) }

    /// The value as JSON text.
    var token: [UInt8] {
        var out: [UInt8] = []
        append(to: &out)
        return out
    }

    /// A member of an object by its name.
    func member(_ name: StaticString) throws(JSONFault) -> StreamValue? {
        guard kind == .object else { return nil }
        try takeApart()
        return members.last { $0.isCalled(name) }?.value
    }

    /// The elements of a list; none for anything else.
    func elements() throws(JSONFault) -> [StreamValue] {
        guard kind == .array else { return [] }
        if let items { return items.map(\.value) }
        let text = token
        let read = text.withUnsafeBytes { view -> Result<[StreamValue], JSONFault> in
            do throws(JSONFault) { return .success(try Self.scanElements(view)) } catch { return .failure(error) }
        }
        return try read.get()
    }

    private static func scanElements(_ view: UnsafeRawBufferPointer) throws(JSONFault) -> [StreamValue] {
        var scanner = JSONScanner(view)
        try scanner.start()
        var found: [StreamValue] = []
        try scanner.elements { (scanner: inout JSONScanner) throws(JSONFault) in found.append(try read(&scanner)) }
        try scanner.finish()
        return found
    }

    /// Appends the value as JSON text.
    func append(to out: inout [UInt8]) {
        switch kind {
        case .string where !isWhole:
            out.append(UInt8(ascii: "\""))
            out.append(contentsOf: bytes)
            out.append(UInt8(ascii: "\""))
        case .array where items != nil:
            out.append(UInt8(ascii: "["))
            for (number, item) in (items ?? []).enumerated() {
                if number > 0 { out.append(UInt8(ascii: ",")) }
                item.value.append(to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .array where !isWhole:
            out.append(UInt8(ascii: "["))
            out.append(contentsOf: bytes)
            out.append(UInt8(ascii: "]"))
        case .object where !isWhole:
            Self.append(members, to: &out)
        default:
            out.append(contentsOf: bytes)
        }
    }

    /// Appends an object of these members.
    static func append(_ members: [Member], to out: inout [UInt8]) {
        out.append(UInt8(ascii: "{"))
        for (number, member) in members.enumerated() {
            if number > 0 { out.append(UInt8(ascii: ",")) }
            out.append(contentsOf: member.name)
            out.append(UInt8(ascii: ":"))
            member.value.append(to: &out)
        }
        out.append(UInt8(ascii: "}"))
    }
}

// Growing.
extension StreamValue {
    /// Becomes what the other is.
    func replace(with other: StreamValue) {
        kind = other.kind
        bytes = other.bytes
        isWhole = other.isWhole
        members = other.members
        items = other.items
        isPlainList = other.isPlainList
    }

    /// Takes in the next piece of the same value: strings and lists are continued, objects member by member, lists
    /// whose elements have an `index` element by element; anything else is replaced. Null says nothing.
    func merge(_ piece: StreamValue) throws(JSONFault) {
        if piece.kind == .null { return }
        switch (kind, piece.kind) {
        case (.string, .string): join(piece)
        case (.object, .object): try mergeMembers(piece)
        case (.array, .array): try mergeElements(piece)
        default: replace(with: piece)
        }
    }

    /// Continues a string or a list with what stands inside another.
    private func join(_ piece: StreamValue) {
        if isWhole {
            bytes = Array(bytes.dropFirst().dropLast())
            isWhole = false
        }
        let more = piece.isWhole ? piece.bytes.dropFirst().dropLast() : piece.bytes[...]
        // Blanks are all that an empty list has inside.
        if kind == .array, more.allSatisfy({ $0 <= 0x20 }) { return }
        if kind == .array, !bytes.allSatisfy({ $0 <= 0x20 }) { bytes.append(UInt8(ascii: ",")) }
        bytes.append(contentsOf: more)
    }

    private func mergeMembers(_ piece: StreamValue) throws(JSONFault) {
        try takeApart()
        try piece.takeApart()
        for member in piece.members {
            guard let known = members.first(where: { $0.name == member.name })?.value else {
                members.append(member)
                continue
            }
            if Self.areGivenOnce.contains(where: { member.isCalled($0) }) {
                if known.isEmpty { known.replace(with: member.value) }
            } else {
                try known.merge(member.value)
            }
        }
    }

    /// Texts that name something: some servers send them once, some with every piece.
    private static let areGivenOnce: [StaticString] = ["role", "id", "type", "name", "index"]

    private func mergeElements(_ piece: StreamValue) throws(JSONFault) {
        if items == nil {
            var isByIndex = isPlainList ? false : try isIndexed
            if !isByIndex { isByIndex = try piece.isIndexed }
            guard isByIndex else {
                isPlainList = true
                return join(piece)
            }
            items = try indexed()
        }
        for (index, value) in try piece.indexed() {
            if let index, let known = items?.first(where: { $0.index == index })?.value {
                try known.merge(value)
            } else {
                items?.append((index, value))
            }
        }
    }

    private var isIndexed: Bool {
        get throws(JSONFault) {
            guard let first = try elements().first else { return false }
            return try first.member("index")?.kind == .number
        }
    }

    private func indexed() throws(JSONFault) -> [(index: [UInt8]?, value: StreamValue)] {
        var found: [(index: [UInt8]?, value: StreamValue)] = []
        for value in try elements() { found.append((try value.member("index")?.token, value)) }
        return found
    }

    private func takeApart() throws(JSONFault) {
        guard isWhole, kind == .object else { return }
        members = try Self.members(of: bytes) ?? []
        isWhole = false
        bytes = []
    }

    /// Makes sure that an object has a member; `first` puts a new one in front.
    func provide(_ name: StaticString, _ value: StreamValue, first: Bool = false) throws(JSONFault) {
        guard try member(name) == nil else { return }
        members.insert(Member(name: Self.quoted(name), value: value), at: first ? 0 : members.count)
    }

    /// Takes the member `name` out of every element of a list.
    func dropFromElements(_ name: StaticString) throws(JSONFault) {
        guard kind == .array else { return }
        items = try indexed()
        for (_, value) in items ?? [] where value.kind == .object {
            try value.takeApart()
            value.members.removeAll { $0.isCalled(name) }
        }
    }

    /// A raw name with its quotes, for names that need no escapes.
    static func quoted(_ name: StaticString) -> [UInt8] {
        [UInt8(ascii: "\"")] + UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
            + [UInt8(ascii: "\"")]
    }
}
