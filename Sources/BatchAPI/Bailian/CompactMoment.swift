// SPDX-License-Identifier: Apache-2.0

/// Moments as `yyyyMMddHHmmss`, without a time zone of their own. (contracts: Bailian list filters)
enum CompactMoment {
    /// The Unix seconds of `text`, read in the zone `utcOffsetMinutes` east of UTC; nil when it is no such moment.
    static func unixSeconds(_ text: String, utcOffsetMinutes: Int) -> Int64? {
        let digits = text.utf8.map { Int64($0) - Int64(UInt8(ascii: "0")) }
        guard digits.count == 14, digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
        func number(_ range: Range<Int>) -> Int64 { digits[range].reduce(0) { $0 * 10 + $1 } }
        let (year, month, day) = (number(0..<4), number(4..<6), number(6..<8))
        let (hour, minute, second) = (number(8..<10), number(10..<12), number(12..<14))
        guard (1...12).contains(month), day >= 1, day <= days(of: month, year), hour < 24, minute < 60, second < 60
        else { return nil }
        let local = (daysSince1970(year, month, day) * 24 + hour) * 3_600 + minute * 60 + second
        return local - Int64(utcOffsetMinutes) * 60
    }

    private static func days(of month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        default: 31
        }
    }

    /// Days of the Gregorian calendar from 1970-01-01, counted in years that begin with March.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let leaps = year.quotient(4) - year.quotient(100) + year.quotient(400)
        return year * 365 + leaps + dayOfYear - 719_468
    }
}

extension Int64 {
    /// The quotient rounded down, also of negative numbers.
    fileprivate func quotient(_ divisor: Int64) -> Int64 {
        self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
    }
}
