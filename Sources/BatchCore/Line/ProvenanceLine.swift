// SPDX-License-Identifier: Apache-2.0

/// Writes the line of one outcome in a provenance file: what became of a line, by whom and how, without its answer.
///
/// `{"custom_id":…,"ordinal":…,"result":…,"status_code":…,"attempts":…,"last_error":…,"started_at":…,"duration_ms":…,`
/// `"worker":…,"backend":…,"request_id":…,"usage":{…}}`; what is not known is null.
package enum ProvenanceLine {
    /// Appends the line of `outcome`, its LF included, to `out`.
    ///
    /// - Parameter ordinal: which request of the batch it is, 0-based.
    package static func append(_ outcome: Outcome, ordinal: Int64, to out: inout [UInt8]) {
        let isTried = outcome.attempts > 0
        out.append(contentsOf: #"{"custom_id":"#.utf8)
        out.append(contentsOf: outcome.customID)
        append("ordinal", ordinal, to: &out)
        append("result", result(of: outcome.kind), to: &out)
        append("status_code", outcome.statusCode > 0 ? Int64(outcome.statusCode) : nil, to: &out)
        append("attempts", Int64(outcome.attempts), to: &out)
        append("last_error", outcome.lastError.isEmpty ? nil : outcome.lastError, to: &out)
        out.append(contentsOf: #","started_at":"#.utf8)
        out.append(contentsOf: (isTried ? instant(outcome.startedMilliseconds) : "null").utf8)
        append("duration_ms", isTried ? outcome.durationMilliseconds : nil, to: &out)
        append("worker", outcome.workerID, to: &out)
        append("backend", outcome.backend.isEmpty ? nil : outcome.backend, to: &out)
        append("request_id", outcome.requestID.isEmpty ? nil : outcome.requestID, to: &out)
        out.append(contentsOf: #","usage":{"input_tokens":"#.utf8)
        out.append(contentsOf: String(outcome.usage.inputTokens).utf8)
        append("cached_tokens", outcome.usage.cachedTokens, to: &out)
        append("output_tokens", outcome.usage.outputTokens, to: &out)
        append("reasoning_tokens", outcome.usage.reasoningTokens, to: &out)
        append("total_tokens", outcome.usage.totalTokens, to: &out)
        out.append(contentsOf: "}}\n".utf8)
    }

    /// `completed`, `failed` for an error the backend answered, or the code of a line without an answer, such as
    /// `batch_expired` or `request_timeout`.
    private static func result(of kind: OutcomeKind) -> String {
        switch kind {
        case .success: "completed"
        case .httpError: "failed"
        case .noResponse(let code, _): code
        }
    }

    /// Unix seconds with three decimals, such as `1795000000.123`; null before 1970.
    private static func instant(_ milliseconds: Int64) -> String {
        guard milliseconds >= 0 else { return "null" }
        let rest = String(milliseconds % 1_000)
        return "\(milliseconds / 1_000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }

    private static func append(_ name: StaticString, _ value: Int64?, to out: inout [UInt8]) {
        begin(name, to: &out)
        out.append(contentsOf: (value.map(String.init) ?? "null").utf8)
    }

    private static func append(_ name: StaticString, _ value: String?, to out: inout [UInt8]) {
        begin(name, to: &out)
        if let value { JSONText.appendString(value, to: &out) } else { out.append(contentsOf: "null".utf8) }
    }

    private static func begin(_ name: StaticString, to out: inout [UInt8]) {
        out.append(contentsOf: #",""#.utf8)
        out.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        out.append(contentsOf: #"":"#.utf8)
    }
}
