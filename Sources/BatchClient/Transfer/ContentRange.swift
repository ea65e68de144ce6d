// SPDX-License-Identifier: Apache-2.0

/// The value of a `Content-Range` field in bytes (RFC 9110 §14.4).
struct ContentRange: Hashable, Sendable {
    /// First and last byte sent, or nil when the range could not be satisfied.
    var sent: ClosedRange<Int64>?
    /// Size of the whole, or nil when the server does not tell.
    var total: Int64?

    /// Reads `bytes 0-499/1234`, `bytes 0-499/*` or `bytes */1234`; nil for anything else.
    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
        let halves = words[1].split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        if halves[1] != "*" {
            guard let total = Int64(halves[1]), total >= 0 else { return nil }
            self.total = total
        }
        guard halves[0] != "*" else { return }
        let bounds = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, let first = Int64(bounds[0]), let last = Int64(bounds[1]), first >= 0, first <= last
        else { return nil }
        sent = first...last
    }
}
