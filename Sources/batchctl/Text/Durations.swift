// SPDX-License-Identifier: Apache-2.0

/// Spans of time as people read them. Pure functions; negative spans count as 0.
enum Durations {
    /// As a clock that runs: `0:07`, `12:05`, `1:02:03`, from a day on `3 d 4 h`.
    static func clock(_ seconds: Int64) -> String {
        let seconds = max(seconds, 0)
        if seconds >= 86_400 { return words(seconds) }
        let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60)
        return hours > 0 ? "\(hours):\(padded(minutes)):\(padded(rest))" : "\(minutes):\(padded(rest))"
    }

    /// In words, the two largest units: `7 s`, `4 min 3 s`, `2 h 5 min`, `3 d 4 h`.
    static func words(_ seconds: Int64) -> String {
        let seconds = max(seconds, 0)
        let units: [(Int64, String)] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]
        guard let first = units.firstIndex(where: { seconds >= $0.0 }) else { return "0 s" }
        var text = "\(seconds / units[first].0) \(units[first].1)"
        if first + 1 < units.count {
            let rest = seconds % units[first].0 / units[first + 1].0
            if rest > 0 { text += " \(rest) \(units[first + 1].1)" }
        }
        return text
    }

    /// Seen from `now`, both in Unix seconds: `4 min 3 s ago`, `in 2 h 5 min`, `now`.
    static func relative(_ instant: Int64, now: Int64) -> String {
        if instant == now { return "now" }
        return instant < now ? "\(words(now - instant)) ago" : "in \(words(instant - now))"
    }

    /// `number` with at least two digits.
    static func padded(_ number: Int64) -> String {
        number < 10 ? "0\(number)" : String(number)
    }
}
