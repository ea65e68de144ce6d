// SPDX-License-Identifier: Apache-2.0

/// Tokens that requests consumed, each part 0 when the backend did not tell.
package struct Usage: Hashable, Sendable {
    /// Tokens of the prompts, cached ones included.
    package var inputTokens: Int64
    /// Of these, read from a cache.
    package var cachedTokens: Int64
    /// Tokens of the answers, reasoning included.
    package var outputTokens: Int64
    /// Of these, spent on reasoning.
    package var reasoningTokens: Int64
    /// Input and output together.
    package var totalTokens: Int64

    /// Usage from its parts.
    package init(
        inputTokens: Int64 = 0, cachedTokens: Int64 = 0, outputTokens: Int64 = 0, reasoningTokens: Int64 = 0,
        totalTokens: Int64 = 0
    ) {
        self.inputTokens = inputTokens
        self.cachedTokens = cachedTokens
        self.outputTokens = outputTokens
        self.reasoningTokens = reasoningTokens
        self.totalTokens = totalTokens
    }

    /// The sum of both. It stays at the largest number instead of overflowing: backends may claim anything.
    package static func + (left: Usage, right: Usage) -> Usage {
        Usage(
            inputTokens: sum(left.inputTokens, right.inputTokens),
            cachedTokens: sum(left.cachedTokens, right.cachedTokens),
            outputTokens: sum(left.outputTokens, right.outputTokens),
            reasoningTokens: sum(left.reasoningTokens, right.reasoningTokens),
            totalTokens: sum(left.totalTokens, right.totalTokens))
    }

    /// Adds `right` to `left`.
    package static func += (left: inout Usage, right: Usage) { left = left + right }

    /// A sum of two numbers of any sign that stops at the ends of the range.
    static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, isOver) = left.addingReportingOverflow(right)
        if !isOver { return sum }
        return right < 0 ? .min : .max
    }
}
