// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Curl

/// One request of the input, ready to be called.
struct RequestItem: Sendable {
    /// Which request of the file it is, 0-based, blank lines not counted.
    let ordinal: Int
    /// The raw `custom_id` token with its quotes.
    let customID: [UInt8]
    /// The path of its `url`.
    let url: String
    /// Its model; empty when nobody names one.
    let model: String
    /// What is sent.
    let body: SharedBytes
}

/// Reads the requests of a checked input one after another, a piece of the file at a time. Blocks.
struct RequestReader {
    private let input: InputFile
    private let model: String?
    private let lineBytesMax: Int
    private var splitter: LineSplitter
    private var offset: Int64 = 0
    private var ordinal = 0
    private var memo = NameMemo()
    /// Whether the end was reached.
    private(set) var isAtEnd = false

    /// A reader at the start; `model` goes into bodies that name none.
    init(_ input: InputFile, model: String?, limits: RunLimits) {
        self.input = input
        self.model = model
        lineBytesMax = limits.lineBytesMax
        splitter = LineSplitter(lineBytesMax: limits.lineBytesMax)
    }

    /// Which request comes next.
    var nextOrdinal: Int { ordinal }

    /// The requests of the next piece of the file but those that `isWanted` leaves out.
    mutating func next(
        _ buffer: UnsafeMutableRawBufferPointer, where isWanted: (Int) -> Bool
    ) throws -> [RequestItem] {
        var items: [RequestItem] = []
        var (ordinal, memo) = (ordinal, memo)
        let (input, model) = (input, model)
        // Taken out, so that what it holds of a line is not copied.
        var splitter = LineSplitter(lineBytesMax: lineBytesMax)
        swap(&splitter, &self.splitter)
        func take(_ line: FileLine) throws {
            guard !line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) else { return }
            defer { ordinal += 1 }
            if isWanted(ordinal) {
                items.append(try Self.item(line, ordinal, &memo, of: input.name, model: model))
            }
        }
        let count = try input.piece(at: offset, buffer) { try splitter.feed($0, take) }
        if count == 0 {
            try splitter.finish(take)
            isAtEnd = true
        }
        swap(&splitter, &self.splitter)
        offset += Int64(count)
        self.ordinal = ordinal
        self.memo = memo
        return items
    }

    private static func item(
        _ line: FileLine, _ ordinal: Int, _ memo: inout NameMemo, of name: String, model: String?
    ) throws -> RequestItem {
        let bytes = line.bytes
        do {
            let request = try RequestLine.parse(bytes)
            guard let id = request.customID, let url = request.url, let body = request.body else {
                throw RequestLineFault.notObject(.object)
            }
            let named = request.model.flatMap { memo.text($0, in: bytes, \.model) }
            return RequestItem(
                ordinal: ordinal, customID: Array(bytes[id.range]),
                url: memo.text(url, in: bytes, \.url) ?? "", model: named ?? model ?? "",
                body: SharedBytes(Self.body(Array(bytes[body.range]), naming: named == nil ? model : nil)))
        } catch {
            throw RunError(.localFile, "\(name) was changed while it was being read: leave it alone during a run")
        }
    }

    /// The body as it was written, or with the model as its first member when it names none.
    static func body(_ body: [UInt8], naming model: String?) -> [UInt8] {
        guard let model, body.first == UInt8(ascii: "{") else { return body }
        var out = Array(#"{"model":"#.utf8)
        JSONText.appendString(model, to: &out)
        let rest = body.dropFirst()
        let isEmpty = rest.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "}")
        if !isEmpty { out.append(UInt8(ascii: ",")) }
        return out + rest
    }
}

/// The texts of the last line's names, so that equal tokens in the next need no new strings.
struct NameMemo {
    /// A token and its text.
    struct Entry {
        var token: [UInt8]
        var text: String
    }

    /// The last url.
    var url: Entry?
    /// The last model.
    var model: Entry?

    /// The text of a string token.
    mutating func text(
        _ token: JSONToken, in bytes: UnsafeRawBufferPointer, _ place: WritableKeyPath<NameMemo, Entry?>
    ) -> String? {
        let raw = UnsafeRawBufferPointer(rebasing: bytes[token.range])
        if let known = self[keyPath: place], known.token.elementsEqual(raw) { return known.text }
        guard let text = JSONText.string(raw) else { return nil }
        self[keyPath: place] = Entry(token: Array(raw), text: text)
        return text
    }
}
