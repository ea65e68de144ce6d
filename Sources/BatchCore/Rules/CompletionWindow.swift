// SPDX-License-Identifier: Apache-2.0

/// The time a batch has, as users write it: an integer and `h` or `d`, such as `24h` or `7d`.
package struct CompletionWindow: Hashable, Sendable {
    /// What the user wrote, echoed verbatim.
    package let text: String
    /// Its length in seconds.
    package let seconds: Int64

    /// Parses `^[1-9][0-9]*[hd]$`; nil when `text` has another form or lies outside `range` (seconds).
    package init?(_ text: String, range: ClosedRange<Int64>) {
        let unit: Int64
        switch text.utf8.last {
        case UInt8(ascii: "h"): unit = 3_600
        case UInt8(ascii: "d"): unit = 86_400
        default: return nil
        }
        let digits = text.utf8.dropLast()
        guard let first = digits.first, first != UInt8(ascii: "0"), digits.count <= 6,
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let count = Int64(text.dropLast())
        else { return nil }
        guard range.contains(count * unit) else { return nil }
        self.text = text
        self.seconds = count * unit
    }
}
