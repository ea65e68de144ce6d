// SPDX-License-Identifier: Apache-2.0

extension BackendConfiguration {
    /// What is wrong with it, one sentence each; empty when it can be used.
    package func validate() -> [String] {
        let found =
            problemsOfIdentity + problemsOfRanges + problemsOfTimes + problemsOfProbing
        return found.map { "backend \(name.isEmpty ? "(no name)" : name): \($0)" }
    }

    private var problemsOfIdentity: [String] {
        var problems: [String] = []
        if name.isEmpty { problems.append("name is empty") }
        if BackendURL(base: baseURL) == nil {
            problems.append("base URL must be http://host… or https://host… without query, fragment or blanks")
        }
        if models.isEmpty { problems.append("models is empty: name at least one, or *") }
        let keyIsPlain = (apiKey ?? "").utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        if !keyIsPlain { problems.append("API key must be printable ASCII without blanks") }
        return problems
    }

    private var problemsOfRanges: [String] {
        var problems: [String] = []
        let whole: [(String, Int?, ClosedRange<Int>)] = [
            ("concurrency", concurrency, 1...20_000), ("attempts", attemptsMax, 1...100),
            ("response bytes", responseBytesMax, 1_024...Int.max), ("weight", weight, 1...1_000),
            ("cluster concurrency", clusterConcurrency, 1...1_000_000), ("window start", windowStart, 1...20_000),
            ("window floor", windowFloor, 1...20_000), ("requests per minute", requestsPerMinute, 1...1_000_000_000),
            ("tokens per minute", tokensPerMinute, 1...1_000_000_000_000),
            ("breaker failures", breakerFailures, 1...10_000),
            ("retries per second", retriesPerSecondMin, 1...10_000),
        ]
        for (what, value, range) in whole {
            guard let value, !range.contains(value) else { continue }
            let wanted =
                range.upperBound == .max
                ? "at least \(range.lowerBound)" : "\(range.lowerBound)…\(range.upperBound)"
            problems.append("\(what) must be \(wanted), is \(value)")
        }
        if !(1.1...1_000).contains(latencyTolerance) {
            problems.append("latency tolerance must be 1.1…1000, is \(latencyTolerance)")
        }
        if !(0...10).contains(retryRatio) { problems.append("retry ratio must be 0…10, is \(retryRatio)") }
        return problems
    }

    private var problemsOfTimes: [String] {
        var problems: [String] = []
        for (what, value) in [
            ("connect timeout", connectTimeout), ("first byte timeout", firstByteTimeout),
            ("idle timeout", idleTimeout), ("total timeout", totalTimeout), ("first backoff", backoffFirst),
            ("longest breaker pause", breakerPauseMax), ("time between health checks", healthEvery),
        ] where value <= .zero {
            problems.append("\(what) must be positive")
        }
        if outagePatience < .zero { problems.append("outage patience must not be negative") }
        if backoffMax < backoffFirst { problems.append("largest backoff must not be below the first") }
        return problems
    }

    private var problemsOfProbing: [String] {
        var problems: [String] = []
        let pathIsPlain = healthPath.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }
        if !healthPath.isEmpty, !healthPath.hasPrefix("/") || !pathIsPlain {
            problems.append("health path must begin with / and be printable ASCII without blanks")
        }
        if !metricsURL.isEmpty, BackendURL(base: metricsURL) == nil {
            problems.append("metrics URL must be http://host… or https://host… without query, fragment or blanks")
        }
        if yieldsToLive && metricsURL.isEmpty {
            problems.append("yielding to live traffic needs a metrics URL")
        }
        return problems
    }
}
