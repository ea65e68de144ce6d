// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// What the header block of a part says. (RFC 7578)
struct PartHeader: Hashable, Sendable {
    /// Name of the form field.
    let name: String
    /// Name of the file, when the part is one; data only, never a path.
    let filename: String?
    /// Content-Type of the part; many clients send none.
    let contentType: String?

    /// A header from its fields.
    init(name: String, filename: String? = nil, contentType: String? = nil) {
        self.name = name
        self.filename = filename
        self.contentType = contentType
    }

    /// Parses a header block up to and including its blank line.
    ///
    /// File names come as raw UTF-8 in quotes from every SDK; `filename*` (RFC 5987) wins where it is present and
    /// readable. Bytes that are not UTF-8 become replacement characters.
    /// - Throws: a 400 ``BatchCore/BatchError`` that names the part, counted from 1.
    init(parsing block: [UInt8], partNumber: Int) throws {
        var disposition: [UInt8]?
        var contentType: String?
        for line in try Self.unfoldedLines(block, partNumber: partNumber) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else {
                throw MultipartParser.fault("A header line of part \(partNumber) has no colon.")
            }
            let value = Array(line[(colon + 1)...])
            switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
            case "content-disposition": disposition = value
            case "content-type": contentType = Self.trimmedText(value)
            case "content-transfer-encoding":
                guard ["7bit", "8bit", "binary", ""].contains(Self.trimmedText(value).lowercased()) else {
                    throw MultipartParser.fault(
                        "Part \(partNumber) uses Content-Transfer-Encoding '\(Self.trimmedText(value))'; send the "
                            + "bytes as they are (binary).")
                }
            default: break
            }
        }
        guard let disposition, let parsed = HeaderParameters(parsing: disposition), parsed.value == "form-data" else {
            throw MultipartParser.fault(
                "Part \(partNumber) needs a header like: Content-Disposition: form-data; name=\"file\"; "
                    + "filename=\"input.jsonl\".")
        }
        guard let name = parsed["name"], !name.isEmpty else {
            throw MultipartParser.fault("Part \(partNumber) has no name in its Content-Disposition header.")
        }
        self.name = String(decoding: name, as: UTF8.self)
        self.filename =
            parsed["filename*"].flatMap(Self.extendedText)
            ?? parsed["filename"].map { String(decoding: $0, as: UTF8.self) }
        self.contentType = contentType
    }

    private static let linesMax = 32

    /// The lines of the block; a line that starts with a blank continues the one before it.
    private static func unfoldedLines(_ block: [UInt8], partNumber: Int) throws -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for raw in block.split(separator: 0x0A, omittingEmptySubsequences: true) {
            let line = raw.last == 0x0D ? Array(raw.dropLast()) : Array(raw)
            guard !line.isEmpty else { continue }
            guard !line.contains(where: { $0 == 0 || $0 == 0x0D }) else {
                throw MultipartParser.fault("The headers of part \(partNumber) contain a control character.")
            }
            if line[0] == 0x20 || line[0] == 0x09, let last = lines.indices.last {
                lines[last].append(contentsOf: line)
            } else {
                lines.append(line)
            }
            guard lines.count <= linesMax else {
                throw MultipartParser.fault("Part \(partNumber) has more than \(linesMax) header lines.")
            }
        }
        return lines
    }

    private static func trimmedText(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        return String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }

    /// The text of an RFC 5987 value, `UTF-8'en'na%C3%AFve`; nil for other charsets and malformed ones.
    private static func extendedText(_ bytes: [UInt8]) -> String? {
        let pieces = bytes.split(separator: UInt8(ascii: "'"), maxSplits: 2, omittingEmptySubsequences: false)
        guard pieces.count == 3, String(decoding: pieces[0], as: UTF8.self).lowercased() == "utf-8",
            let decoded = PercentEncoding.decoded(pieces[2])
        else { return nil }
        return String(validating: decoded, as: UTF8.self)
    }
}
