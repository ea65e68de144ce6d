// SPDX-License-Identifier: Apache-2.0

/// Where in a text something is wrong, and what.
struct TextFault: Error, Hashable, Sendable {
    /// Physical line, 1-based.
    let line: Int
    /// Character in the line, 1-based; nil when the whole line is meant.
    let column: Int?
    /// What is wrong and the way out, to stand behind `FILE:LINE:COLUMN: `.
    let reason: String
}

/// One record of comma-separated values. Its fields are UTF-8.
struct CSVRecord: Hashable, Sendable {
    /// The physical line it begins in, 1-based.
    let line: Int
    /// Its fields, at least one.
    let fields: [[UInt8]]

    /// Whether nothing is in it: an empty line, or commas alone, as spreadsheets leave them behind their last row.
    var isBlank: Bool { fields.allSatisfy(\.isEmpty) }
}

/// Cuts comma-separated values that arrive in chunks of any size into records, in memory of one record. (RFC 4180)
///
/// A field in quotes may hold commas, line breaks, and quotes written twice. CRLF, LF and a lone CR end a record; the
/// last one needs no line break. A quote inside a field that does not begin with one is a character like others.
struct CSVReader {
    private enum Place {
        case fieldStart
        case plain
        case quoted
        /// Behind a quote that ends the field, unless another one follows.
        case afterQuote
    }

    /// Longest record in bytes.
    let recordBytesMax: Int
    /// The line that is being read, 1-based.
    private(set) var line = 1
    /// The character of it that comes next, 1-based.
    private(set) var column = 1

    private var place = Place.fieldStart
    private var isAfterCR = false
    private var fields: [[UInt8]] = []
    private var field: [UInt8] = []
    private var bytesInRecord = 0
    private var recordLine = 1
    private var quote = (line: 1, column: 1)

    /// A reader at the start of a text.
    init(recordBytesMax: Int) {
        self.recordBytesMax = recordBytesMax
    }

    /// Takes the next bytes, valid UTF-8 altogether, and hands out every record that ends in them.
    ///
    /// - Throws: ``TextFault``, or what `take` throws.
    mutating func feed(_ chunk: UnsafeRawBufferPointer, _ take: (CSVRecord) throws -> Void) throws {
        for byte in chunk {
            let wasAfterCR = isAfterCR
            isAfterCR = false
            if byte == 0x0A, wasAfterCR {
                // The second half of a line break that has been taken already.
                if place == .quoted { field.append(byte) }
                continue
            }
            try self.take(byte, take)
            if byte == 0x0A || byte == 0x0D {
                line += 1
                column = 1
                if place == .fieldStart, fields.isEmpty { recordLine = line }
                isAfterCR = byte == 0x0D
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
    }

    /// Takes the end of the text, whose last record may lack its line break.
    mutating func finish(_ take: (CSVRecord) throws -> Void) throws {
        switch place {
        case .quoted:
            throw TextFault(
                line: quote.line, column: quote.column,
                reason: "the field that begins here has no closing quote until the end of the file")
        case .fieldStart where fields.isEmpty: return
        default: try endRecord(take)
        }
    }

    private mutating func take(_ byte: UInt8, _ take: (CSVRecord) throws -> Void) throws {
        bytesInRecord += 1
        guard bytesInRecord <= recordBytesMax else {
            throw TextFault(
                line: recordLine, column: nil,
                reason: "the record that begins here is longer than \(recordBytesMax) bytes; is a quote missing? "
                    + "--max-record-bytes allows longer ones")
        }
        switch (place, byte) {
        case (.quoted, UInt8(ascii: "\"")): place = .afterQuote
        case (.quoted, _): field.append(byte)
        case (.afterQuote, UInt8(ascii: "\"")):
            field.append(byte)
            place = .quoted
        case (.fieldStart, UInt8(ascii: "\"")):
            quote = (line, column)
            place = .quoted
        case (_, UInt8(ascii: ",")): endField()
        case (_, 0x0A), (_, 0x0D): try endRecord(take)
        case (.afterQuote, _):
            throw TextFault(
                line: line, column: column,
                reason: "a comma or the end of the line must follow the closing quote; write a quote inside a field "
                    + "twice")
        default:
            field.append(byte)
            place = .plain
        }
    }

    private mutating func endField() {
        fields.append(field)
        field.removeAll(keepingCapacity: true)
        place = .fieldStart
    }

    private mutating func endRecord(_ take: (CSVRecord) throws -> Void) throws {
        endField()
        let record = CSVRecord(line: recordLine, fields: fields)
        fields.removeAll(keepingCapacity: true)
        bytesInRecord = 0
        try take(record)
    }
}
