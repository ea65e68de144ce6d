// SPDX-License-Identifier: Apache-2.0

/// What part of a representation a Range header asks for. (RFC 9110 section 14)
enum ByteRange: Hashable, Sendable {
    /// All of it: no Range, one that is not understood, or several ranges, which a server may ignore.
    case whole
    /// These bytes; never empty.
    case part(Range<Int64>)
    /// Nothing of what is asked for exists.
    case unsatisfiable

    /// Reads a Range header for a representation of `length` bytes.
    static func parse(_ header: String?, length: Int64) -> ByteRange {
        guard let header, let equals = header.firstIndex(of: "="), header[..<equals].lowercased() == "bytes" else {
            return .whole
        }
        let set = header[header.index(after: equals)...].filter { $0 != " " && $0 != "\t" }
        let ends = set.split(separator: "-", omittingEmptySubsequences: false)
        guard !set.contains(","), ends.count == 2, let first = number(ends[0]), let last = number(ends[1]) else {
            return .whole
        }
        switch (first, last) {
        case (nil, nil): return .whole
        case (nil, let suffix?):
            guard suffix > 0, length > 0 else { return .unsatisfiable }
            return .part(max(0, length - suffix)..<length)
        case (let start?, nil): return start < length ? .part(start..<length) : .unsatisfiable
        case (let start?, let end?):
            guard start <= end else { return .whole }
            guard start < length else { return .unsatisfiable }
            return .part(start..<min(end, length - 1) + 1)
        }
    }

    /// The digits of one end: `.some(nil)` when there are none, nil when there is something else. A number beyond
    /// Int64 is as good as its largest.
    private static func number(_ text: Substring) -> Int64?? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        guard !text.isEmpty else { return .some(nil) }
        return .some(Int64(text) ?? .max - 1)
    }
}
