// SPDX-License-Identifier: Apache-2.0

/// Writes records of comma-separated values: CRLF at the end of each, quotes where a field needs them. (RFC 4180)
enum CSVWriter {
    /// Appends a record of `fields`, which are UTF-8, to `out`.
    static func append(_ fields: [[UInt8]], to out: inout [UInt8]) {
        for (index, field) in fields.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            guard field.contains(where: needsQuotes) else {
                out.append(contentsOf: field)
                continue
            }
            out.append(UInt8(ascii: "\""))
            for byte in field {
                if byte == UInt8(ascii: "\"") { out.append(byte) }
                out.append(byte)
            }
            out.append(UInt8(ascii: "\""))
        }
        out.append(contentsOf: [0x0D, 0x0A])
    }

    private static func needsQuotes(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: ",") || byte == 0x0A || byte == 0x0D
    }
}
