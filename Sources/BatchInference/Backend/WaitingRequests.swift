// SPDX-License-Identifier: Apache-2.0

/// Reads how many requests wait for a place from an inference server's metrics in the Prometheus text format.
enum WaitingRequests {
    /// The gauge that vLLM shows, one sample for each model and engine.
    static let metric = "vllm:num_requests_waiting"

    /// The sum over all samples of the gauge; nil when there is none.
    static func count(in text: String) -> Double? {
        var sum: Double?
        for line in text.split(whereSeparator: \.isNewline) {
            guard let value = sample(line) else { continue }
            sum = (sum ?? 0) + value
        }
        return sum
    }

    /// The value of a line such as `vllm:num_requests_waiting{model_name="m"} 3.0`; nil for every other line.
    private static func sample(_ line: Substring) -> Double? {
        guard line.hasPrefix(metric) else { return nil }
        var rest = line.dropFirst(metric.count)
        if rest.first == "{" {
            // Label values may hold blanks; behind the last brace there are only the value and a time.
            guard let brace = rest.lastIndex(of: "}") else { return nil }
            rest = rest[rest.index(after: brace)...]
        } else if rest.first != " " && rest.first != "\t" {
            return nil
        }
        guard let value = rest.split(whereSeparator: \.isWhitespace).first.flatMap({ Double($0) }), value.isFinite
        else {
            return nil
        }
        return max(value, 0)
    }
}
