// SPDX-License-Identifier: Apache-2.0

/// Instants as people write them. Pure: the present and the distance from UTC are given.
enum Moments {
    /// What can be written, for messages and help.
    static let forms = "2h (ago), 3d12h, 2026-11-21, \"2026-11-21 03:02\", 2026-11-21T03:02:11Z, or Unix seconds"

    /// The instant that `text` names, in Unix seconds; nil when it names none.
    ///
    /// - Parameters:
    ///   - now: Unix seconds, which spans such as `2h` or `1d12h` go back from.
    ///   - offset: seconds by which the reader's clock is ahead of UTC at an instant, for dates without a zone.
    static func instant(_ text: String, now: Int64, offset: (Int64) -> Int64) -> Int64? {
        if text == "now" { return now }
        if text.utf8.count >= 9, let seconds = number(text[...], digits: 9...12) { return seconds }
        if let span = span(text.hasSuffix(" ago") ? text.dropLast(" ago".count) : text[...]) { return now - span }
        return date(text[...], offset: offset)
    }

    /// `90s`, `15m`, `15min`, `2h`, `1d12h`, `1w` in seconds.
    static func span(_ text: Substring) -> Int64? {
        let units: [Substring: Int64] = ["s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800]
        var rest = text
        var total: Int64 = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let unit = rest.dropFirst(digits.count).prefix { $0.isASCII && $0.isLetter }
            // Five digits keep the sum far from any limit.
            guard let count = number(digits, digits: 1...5), let seconds = units[unit] else { return nil }
            total += count * seconds
            rest = rest.dropFirst(digits.count + unit.count)
            guard total < 100_000_000_000 else { return nil }
        }
        return total
    }

    /// `2026-11-21`, maybe with `T` or a blank and `03:02` or `03:02:11`, maybe with `Z` or `+01:00`. (RFC 3339)
    private static func date(_ text: Substring, offset: (Int64) -> Int64) -> Int64? {
        let fields = text.prefix(10).split(separator: "-", omittingEmptySubsequences: false)
        guard fields.count == 3, let year = number(fields[0], digits: 4...4),
            let month = number(fields[1], digits: 2...2), let day = number(fields[2], digits: 2...2),
            let start = Timestamps.instant(year: year, month: month, day: day)
        else { return nil }
        var rest = text.dropFirst(10)
        guard let separator = rest.first else { return local(start, offset) }
        guard separator == "T" || separator == "t" || separator == " " else { return nil }
        rest = rest.dropFirst()
        let clock = rest.prefix { $0.isNumber || $0 == ":" }
        guard let seconds = secondsOfDay(clock) else { return nil }
        let zone = rest.dropFirst(clock.count)
        if zone.isEmpty { return local(start + seconds, offset) }
        return distance(zone).map { start + seconds - $0 }
    }

    private static func secondsOfDay(_ text: Substring) -> Int64? {
        let fields = text.split(separator: ":", omittingEmptySubsequences: false).map { number($0, digits: 2...2) }
        guard (2...3).contains(fields.count), let hour = fields[0], let minute = fields[1], hour < 24, minute < 60
        else { return nil }
        guard fields.count == 3 else { return hour * 3_600 + minute * 60 }
        guard let second = fields[2], second < 60 else { return nil }
        return hour * 3_600 + minute * 60 + second
    }

    /// Seconds that `Z`, `+01:00` or `+0100` is ahead of UTC.
    private static func distance(_ zone: Substring) -> Int64? {
        if zone == "Z" || zone == "z" { return 0 }
        guard let sign = zone.first, sign == "+" || sign == "-" else { return nil }
        let digits = zone.dropFirst().filter { $0 != ":" }
        guard digits.count == 4, zone.count <= 6, let hours = number(digits.prefix(2)[...], digits: 2...2),
            let minutes = number(digits.suffix(2)[...], digits: 2...2), hours < 24, minutes < 60
        else { return nil }
        return (hours * 3_600 + minutes * 60) * (sign == "-" ? -1 : 1)
    }

    /// The instant at which the reader's clock shows `reading`.
    private static func local(_ reading: Int64, _ offset: (Int64) -> Int64) -> Int64 {
        // The distance at the instant itself counts; near a change of the clock the first guess has another one.
        reading - offset(reading - offset(reading))
    }

    private static func number(_ text: Substring, digits: ClosedRange<Int>) -> Int64? {
        guard digits.contains(text.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(text)
    }
}
