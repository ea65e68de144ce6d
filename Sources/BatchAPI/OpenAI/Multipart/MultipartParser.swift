// SPDX-License-Identifier: Apache-2.0

import BatchCore
import Glibc

/// What a multipart body turned out to hold, in the order of its bytes.
enum MultipartEvent {
    /// A part starts; its header block is complete.
    case partBegin(PartHeader)
    /// Content of the part that is open. The view is good only during the call; never empty.
    case partBytes(UnsafeRawBufferPointer)
    /// The part that is open ends.
    case partEnd
    /// The closing delimiter was seen; only an epilogue may follow.
    case finished
}

/// Takes a `multipart/form-data` body apart as its bytes arrive, with constant memory.
///
/// Nothing is assumed about the order of parts, their length or where the network cuts the bytes. Preamble, epilogue
/// and padding after a delimiter are accepted. (RFC 2046 section 5.1.1, RFC 7578)
///
/// A delimiter is CRLF, two hyphens and the boundary. A CR can stand only at its start, so when a match breaks off the
/// bytes matched so far are content and the search goes on at the breaking byte: no table of partial matches is needed.
struct MultipartParser {
    /// How much of each kind of bytes is accepted; content is limited by whoever takes the events.
    struct Bounds: Sendable {
        /// Longest header block of one part, in bytes.
        var headerBytesMax = 16 << 10
        /// Most parts of one body.
        var partsMax = 32
        /// Most bytes before the first delimiter, and after the last one.
        var surroundBytesMax = 64 << 10
        /// Most blanks after a delimiter.
        var paddingMax = 64

        /// The defaults.
        init() {}
    }

    private enum State {
        /// In the preamble or in a part's content, looking for a delimiter.
        case content
        /// Behind a whole delimiter; what follows decides whether it was one.
        case afterDelimiter
        /// In a part's header block.
        case header
        /// Behind the closing delimiter.
        case epilogue
    }

    private let delimiter: [UInt8]
    private let bounds: Bounds
    private var state = State.content
    /// Bytes of the delimiter that matched at the end of what was fed so far. A body may start with a delimiter
    /// without its CRLF, so that counts as read before the first byte.
    private var matched = 2
    private var isInPart = false
    private var held: [UInt8] = []
    private var partsSeen = 0
    private var surroundBytes = 0

    /// A parser for bodies with `boundary` (without the hyphens), as the Content-Type names it.
    init(boundary: [UInt8], bounds: Bounds = Bounds()) {
        self.delimiter = [0x0D, 0x0A, 0x2D, 0x2D] + boundary
        self.bounds = bounds
    }

    /// Takes the next bytes and hands what they complete to `sink`.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for a malformed body, or what `sink` throws. Feed nothing afterwards.
    mutating func feed(_ bytes: UnsafeRawBufferPointer, _ sink: (MultipartEvent) throws -> Void) throws {
        var at = 0
        while at < bytes.count {
            switch state {
            case .content: at = try readContent(bytes, from: at, sink)
            case .afterDelimiter: at = try readAfterDelimiter(bytes, from: at, sink)
            case .header: at = try readHeader(bytes, from: at, sink)
            case .epilogue:
                try countSurround(bytes.count - at)
                at = bytes.count
            }
        }
    }

    /// Says that no bytes follow.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` when the closing delimiter never came.
    func finish() throws {
        guard case .epilogue = state else {
            throw Self.fault(
                "The multipart body ends without its closing delimiter '--boundary--'; it was cut off, or the boundary "
                    + "of the Content-Type header is not the one in the body.")
        }
    }

    /// A 400 that names the multipart body as the culprit.
    static func fault(_ message: String) -> BatchError {
        .invalid(message, code: "invalid_multipart")
    }
}

extension MultipartParser {
    private mutating func readContent(
        _ bytes: UnsafeRawBufferPointer, from start: Int, _ sink: (MultipartEvent) throws -> Void
    ) throws -> Int {
        var at = start
        if matched > 0 {
            while at < bytes.count, matched < delimiter.count, bytes[at] == delimiter[matched] {
                at += 1
                matched += 1
            }
            if matched == delimiter.count { return enterAfterDelimiter(at) }
            guard at < bytes.count else { return at }
            try emitDelimiter(prefix: matched, sink)
            matched = 0
        }
        let runStart = at
        while let candidate = Self.carriageReturn(in: bytes, from: at) {
            let length = min(bytes.count - candidate, delimiter.count)
            let isMatch = delimiter.withUnsafeBytes { whole in
                whole.prefix(length).elementsEqual(bytes[candidate..<candidate + length])
            }
            if isMatch {
                try emit(UnsafeRawBufferPointer(rebasing: bytes[runStart..<candidate]), sink)
                matched = length
                let next = candidate + length
                return matched == delimiter.count ? enterAfterDelimiter(next) : next
            }
            at = candidate + 1
        }
        try emit(UnsafeRawBufferPointer(rebasing: bytes[runStart...]), sink)
        return bytes.count
    }

    private mutating func enterAfterDelimiter(_ next: Int) -> Int {
        state = .afterDelimiter
        matched = 0
        held.removeAll(keepingCapacity: true)
        return next
    }

    /// Reads `--`, or blanks and CRLF. Anything else means that the boundary is only the start of other content.
    private mutating func readAfterDelimiter(
        _ bytes: UnsafeRawBufferPointer, from start: Int, _ sink: (MultipartEvent) throws -> Void
    ) throws -> Int {
        var at = start
        while at < bytes.count {
            let byte = bytes[at]
            switch (held.last, byte) {
            case (nil, UInt8(ascii: "-")), (nil, 0x20), (nil, 0x09), (nil, 0x0D),
                (0x20, 0x20), (0x20, 0x09), (0x20, 0x0D), (0x09, 0x20), (0x09, 0x09), (0x09, 0x0D):
                guard held.count < bounds.paddingMax else { return try abandonDelimiter(at, sink) }
                held.append(byte)
            case (UInt8(ascii: "-"), UInt8(ascii: "-")):
                try endPart(sink)
                state = .epilogue
                try sink(.finished)
                return at + 1
            case (0x0D, 0x0A):
                try endPart(sink)
                state = .header
                held.removeAll(keepingCapacity: true)
                return at + 1
            default:
                return try abandonDelimiter(at, sink)
            }
            at += 1
        }
        return at
    }

    private mutating func abandonDelimiter(_ at: Int, _ sink: (MultipartEvent) throws -> Void) throws -> Int {
        try emitDelimiter(prefix: delimiter.count, sink)
        // A CR that was held may be the start of the true delimiter.
        let endsWithReturn = held.last == 0x0D
        let content = endsWithReturn ? Array(held.dropLast()) : held
        try content.withUnsafeBytes { try emit($0, sink) }
        matched = endsWithReturn ? 1 : 0
        state = .content
        return at
    }

    private mutating func readHeader(
        _ bytes: UnsafeRawBufferPointer, from start: Int, _ sink: (MultipartEvent) throws -> Void
    ) throws -> Int {
        var at = start
        while at < bytes.count {
            held.append(bytes[at])
            at += 1
            if held.last == 0x0A, held == [0x0D, 0x0A] || held.suffix(4) == [0x0D, 0x0A, 0x0D, 0x0A] {
                partsSeen += 1
                guard partsSeen <= bounds.partsMax else {
                    throw Self.fault("The multipart body has more than \(bounds.partsMax) parts.")
                }
                let header = try PartHeader(parsing: held, partNumber: partsSeen)
                held.removeAll(keepingCapacity: true)
                isInPart = true
                state = .content
                try sink(.partBegin(header))
                return at
            }
            guard held.count < bounds.headerBytesMax else {
                throw Self.fault(
                    "The headers of part \(partsSeen + 1) are longer than \(bounds.headerBytesMax) bytes.")
            }
        }
        return at
    }

    private mutating func endPart(_ sink: (MultipartEvent) throws -> Void) throws {
        guard isInPart else { return }
        isInPart = false
        try sink(.partEnd)
    }

    private mutating func emitDelimiter(prefix: Int, _ sink: (MultipartEvent) throws -> Void) throws {
        try delimiter.withUnsafeBytes { whole in
            try emit(UnsafeRawBufferPointer(rebasing: whole.prefix(prefix)), sink)
        }
    }

    private mutating func emit(
        _ bytes: UnsafeRawBufferPointer, _ sink: (MultipartEvent) throws -> Void
    ) throws {
        guard !bytes.isEmpty else { return }
        guard isInPart else { return try countSurround(bytes.count) }
        try sink(.partBytes(bytes))
    }

    private mutating func countSurround(_ count: Int) throws {
        surroundBytes += count
        guard surroundBytes <= bounds.surroundBytesMax else {
            throw Self.fault(
                "No delimiter '--boundary' was found where one must be; is the boundary of the Content-Type header the "
                    + "one in the body?")
        }
    }

    private static func carriageReturn(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + start, 0x0D, bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
