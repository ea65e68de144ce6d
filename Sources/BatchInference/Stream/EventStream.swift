// SPDX-License-Identifier: Apache-2.0

/// One event of a stream.
struct StreamEvent: Hashable, Sendable {
    /// Its `event` field; empty when it has none.
    var name = ""
    /// Its `data` fields, joined by line feeds.
    var data: [UInt8] = []
}

/// Takes a complete `text/event-stream` body apart into its events. (WHATWG HTML, server-sent events)
///
/// Lines end in LF, CR or both; comments and unknown fields are passed over. An event that the body's end cuts off
/// before its blank line is an event too, for many servers leave the last one out: whether its data is whole shows when
/// it is read.
struct EventStream: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var position = 0

    /// The events of `body`.
    init(_ body: [UInt8]) {
        bytes = body
        if body.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// Whether a body looks like a stream of events although nothing says so: begins with one of its fields.
    static func isLikely(_ body: [UInt8]) -> Bool {
        let start = body.drop { $0 == 0x0A || $0 == 0x0D || $0 == 0x20 }
        return start.starts(with: "data:".utf8) || start.starts(with: "event:".utf8)
    }

    /// The next event with data; nil after the last.
    mutating func next() -> StreamEvent? {
        var event = StreamEvent()
        var hasData = false
        while let line = nextLine() {
            if line.isEmpty {
                if hasData { return event }
                event = StreamEvent()
                continue
            }
            let name = line.prefix { $0 != UInt8(ascii: ":") }
            var value = line[name.endIndex...].dropFirst()
            if value.first == 0x20 { value = value.dropFirst() }
            if name.elementsEqual("data".utf8) {
                if hasData { event.data.append(0x0A) }
                event.data.append(contentsOf: value)
                hasData = true
            } else if name.elementsEqual("event".utf8) {
                event.name = String(decoding: value, as: UTF8.self)
            }
        }
        return hasData ? event : nil
    }

    /// The next line without its end; nil after the last.
    private mutating func nextLine() -> ArraySlice<UInt8>? {
        guard position < bytes.count else { return nil }
        let start = position
        var end = position
        while end < bytes.count, bytes[end] != 0x0A, bytes[end] != 0x0D { end += 1 }
        position = end + 1
        if end + 1 < bytes.count, bytes[end] == 0x0D, bytes[end + 1] == 0x0A { position += 1 }
        return bytes[start..<end]
    }
}
