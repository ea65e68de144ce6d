// SPDX-License-Identifier: Apache-2.0

/// Finds `usage` in a response body without a tree, by the names of Chat Completions and of Responses.
///
/// What is absent or no non-negative 64-bit integer is 0, except that a missing total is the sum of input and output.
package enum UsageReader {
    /// The usage a complete JSON body states; zeros when it states none or the bytes are no JSON.
    package static func read(_ body: UnsafeRawBufferPointer) -> Usage {
        (try? scan(body)) ?? Usage()
    }

    /// Validates `body` as JSON and reads its usage in the same pass.
    static func scan(_ body: UnsafeRawBufferPointer) throws(JSONFault) -> Usage {
        var usage = Usage()
        var scanner = JSONScanner(body)
        try scanner.start()
        if try scanner.kind() == .object {
            try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
                let isUsage = scanner.reads(key, "usage")
                if isUsage, try scanner.kind() == .object {
                    usage = try readUsage(&scanner)
                } else {
                    _ = try scanner.value()
                }
            }
        } else {
            _ = try scanner.value()
        }
        try scanner.finish()
        return usage
    }

    /// Reads the object `usage`.
    private static func readUsage(_ scanner: inout JSONScanner) throws(JSONFault) -> Usage {
        var usage = Usage()
        var total: Int64?
        try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
            if scanner.reads(key, "prompt_tokens") || scanner.reads(key, "input_tokens") {
                usage.inputTokens = try count(&scanner) ?? usage.inputTokens
            } else if scanner.reads(key, "completion_tokens") || scanner.reads(key, "output_tokens") {
                usage.outputTokens = try count(&scanner) ?? usage.outputTokens
            } else if scanner.reads(key, "total_tokens") {
                total = try count(&scanner) ?? total
            } else if scanner.reads(key, "prompt_tokens_details") || scanner.reads(key, "input_tokens_details") {
                usage.cachedTokens = try detail("cached_tokens", &scanner) ?? usage.cachedTokens
            } else if scanner.reads(key, "completion_tokens_details") || scanner.reads(key, "output_tokens_details") {
                usage.reasoningTokens = try detail("reasoning_tokens", &scanner) ?? usage.reasoningTokens
            } else {
                _ = try scanner.value()
            }
        }
        usage.totalTokens = total ?? Usage.sum(usage.inputTokens, usage.outputTokens)
        return usage
    }

    /// Reads the count `name` out of a details object; nil when there is none, or no object.
    private static func detail(_ name: StaticString, _ scanner: inout JSONScanner) throws(JSONFault) -> Int64? {
        guard try scanner.kind() == .object else {
            _ = try scanner.value()
            return nil
        }
        var found: Int64?
        try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
            let isWanted = scanner.reads(key, name)
            let value = try count(&scanner)
            if isWanted { found = value ?? found }
        }
        return found
    }

    /// Most tokens one answer can credibly have cost; the sums over millions of lines still fit a 64-bit column.
    private static let tokensMax: Int64 = 1_000_000_000_000

    /// Reads any value; its number when it is a credible integer written with digits only.
    private static func count(_ scanner: inout JSONScanner) throws(JSONFault) -> Int64? {
        let token = try scanner.value()
        guard token.kind == .number else { return nil }
        var value: Int64 = 0
        for byte in scanner.raw(token) {
            let digit = byte &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (tens, isOver) = value.multipliedReportingOverflow(by: 10)
            let (next, isOverToo) = tens.addingReportingOverflow(Int64(digit))
            guard !isOver, !isOverToo else { return nil }
            value = next
        }
        return value <= tokensMax ? value : nil
    }
}
