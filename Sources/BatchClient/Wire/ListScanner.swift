// SPDX-License-Identifier: Apache-2.0
internal import BatchCore

/// Takes a list object apart without decoding it, so that every element keeps the bytes the server sent.
enum ListScanner {
    /// What a list object holds.
    struct Parts: Equatable {
        /// The JSON of each element of `data`.
        var elements: [[UInt8]] = []
        /// The value of `has_more`; false when it is missing.
        var hasMore = false
        /// The text of `last_id`; nil when it is missing or null.
        var lastID: String?
    }

    /// The parts of the list object in `json`; throws what the scanner finds wrong.
    static func parts(of json: [UInt8]) throws -> Parts {
        var ranges: [Range<Int>] = []
        var hasMore = false
        var lastID: String?
        try json.withUnsafeBytes { bytes in
            var scanner = JSONScanner(bytes)
            try scanner.start()
            try scanner.members { scanner, key throws(JSONFault) in
                switch String(decoding: bytes[key.range], as: UTF8.self) {
                case "\"data\"" where try scanner.kind() == .array:
                    try scanner.elements { scanner throws(JSONFault) in
                        ranges.append(try scanner.value().range)
                    }
                case "\"has_more\"":
                    hasMore = try scanner.value().kind == .true
                case "\"last_id\"" where try scanner.kind() == .string:
                    lastID = JSONText.string(UnsafeRawBufferPointer(rebasing: bytes[try scanner.value().range]))
                default:
                    _ = try scanner.value()
                }
            }
            try scanner.finish()
        }
        return Parts(elements: ranges.map { Array(json[$0]) }, hasMore: hasMore, lastID: lastID)
    }
}
