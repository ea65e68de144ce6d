// SPDX-License-Identifier: Apache-2.0

/// Instants as people read them. Pure: the distance from UTC is given.
enum Timestamps {
    /// `2026-11-21 03:02:11`.
    ///
    /// - Parameters:
    ///   - instant: Unix seconds.
    ///   - offset: seconds by which the reader's clock is ahead of UTC.
    static func text(_ instant: Int64, offset: Int64) -> String {
        let local = instant + offset
        let (day, second) = floorDivision(local, 86_400)
        let date = date(daysSinceEpoch: day)
        let clock = [second / 3_600, second / 60 % 60, second % 60].map(Durations.padded).joined(separator: ":")
        return "\(date.year)-\(Durations.padded(date.month))-\(Durations.padded(date.day)) \(clock)"
    }

    /// Unix seconds of the beginning of a day in UTC; nil for a date that no calendar has.
    static func instant(year: Int64, month: Int64, day: Int64) -> Int64? {
        guard (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
        let marchYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floorDivision(marchYear, 400)
        let dayOfYear = (153 * (month <= 2 ? month + 9 : month - 3) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        let found = date(daysSinceEpoch: days)
        // A day that the month does not have falls into the next one.
        return found == (year, month, day) ? days * 86_400 : nil
    }

    /// The Gregorian date so many days after 1970-01-01.
    private static func date(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
        // Years are counted from March, so that the leap day is the last of its year; 146,097 days are 400 years.
        let (era, dayOfEra) = floorDivision(daysSinceEpoch + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func floorDivision(_ number: Int64, _ divisor: Int64) -> (quotient: Int64, rest: Int64) {
        let rest = ((number % divisor) + divisor) % divisor
        return ((number - rest) / divisor, rest)
    }
}
