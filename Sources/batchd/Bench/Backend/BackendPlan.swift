// SPDX-License-Identifier: Apache-2.0

/// How the bench's backend behaves.
struct BackendPlan: Hashable, Sendable {
    /// Time from a request to its answer, drawn evenly from this range.
    var latency: ClosedRange<Duration> = .zero ... .zero
    /// Calls answered at the same time; further ones get 429 at once. Nil: no limit.
    var slots: Int?
    /// Seconds in the `Retry-After` of those; nil sends none.
    var retryAfter: Int?
    /// Share of calls, 0…1, that are answered 500 after their latency.
    var failRatio = 0.0
    /// Decides which calls fail and how long each takes.
    var seed: UInt64 = 1
    /// Whether a bench wants a record of every call; it goes into the bench's directory.
    var isLogged = false
    /// File that gets these records; nil writes none.
    var logPath: String?
    /// TCP port on loopback; 0 takes a free one.
    var port = 0

    /// The flags of `batchd bench backend` that make this plan.
    var arguments: [String] {
        var arguments = [
            "--latency", "\(SettingText.duration(latency.lowerBound))-\(SettingText.duration(latency.upperBound))",
            "--fail-ratio", String(failRatio), "--seed", String(seed), "--port", String(port),
        ]
        if let slots { arguments += ["--slots", String(slots)] }
        if let retryAfter { arguments += ["--retry-after", String(retryAfter)] }
        if let logPath { arguments += ["--log", logPath] }
        return arguments
    }

    /// A latency as people write it: `200ms`, or `2s-10s` for a range.
    static func latency(_ text: String) throws -> ClosedRange<Duration> {
        let parts = try text.split(separator: "-").map { try SettingText.duration(String($0)) }
        guard (1...2).contains(parts.count), let first = parts.first, let last = parts.last, first <= last else {
            throw SettingFault("must be a duration or a range such as 2s-10s")
        }
        return first...last
    }
}
