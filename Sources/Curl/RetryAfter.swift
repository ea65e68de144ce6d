// SPDX-License-Identifier: Apache-2.0

/// Value of a `Retry-After` field (RFC 9110 §10.2.3). Not clamped: the caller knows what wait is sensible.
package enum RetryAfter: Sendable, Equatable {
    /// Wait so many seconds, ≥ 0; a number beyond the range of `Int` becomes `Int.max`.
    case seconds(Int)
    /// Wait until this moment, in seconds since 1970-01-01 UTC; may lie in the past.
    case date(unixSeconds: Int)

    /// Reads a whole number of seconds or one of the three HTTP dates (RFC 9110 §5.6.7); anything else is nil.
    package init?(parsing text: String) {
        let bytes = Array(text.utf8).trimmingBlanks()
        if bytes.isEmpty { return nil }
        if bytes.allSatisfy(\.isDigit) {
            self = .seconds(Int(String(decoding: bytes, as: UTF8.self)) ?? Int.max)
        } else if let moment = HTTPDate.unixSeconds(bytes) {
            self = .date(unixSeconds: moment)
        } else {
            return nil
        }
    }
}

/// Reader of HTTP dates.
enum HTTPDate {
    /// Seconds since 1970-01-01 UTC of an IMF-fixdate (`Sun, 06 Nov 1994 08:49:37 GMT`), an RFC 850 date
    /// (`Sunday, 06-Nov-94 08:49:37 GMT`) or an asctime date (`Sun Nov  6 08:49:37 1994`); else nil.
    /// Two-digit years 00...69 mean 20xx, 70...99 mean 19xx. The name of the weekday is not checked.
    static func unixSeconds(_ text: [UInt8]) -> Int? {
        let words = text.split { $0 == 0x20 || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "-") }
        guard let weekday = words.first, weekday.count >= 3, weekday.allSatisfy(\.isLetter) else { return nil }
        if words.count == 6, words[5].elementsEqual("GMT".utf8) {
            return moment(day: words[1], month: words[2], year: words[3], time: words[4])
        }
        if words.count == 5 {
            return moment(day: words[2], month: words[1], year: words[4], time: words[3])
        }
        return nil
    }

    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    private static func moment(
        day: ArraySlice<UInt8>, month: ArraySlice<UInt8>, year: ArraySlice<UInt8>, time: ArraySlice<UInt8>
    ) -> Int? {
        let clock = time.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard let day = number(day, digits: 1...2), (1...31).contains(day),
            let month = months.firstIndex(of: String(decoding: month, as: UTF8.self).lowercased()),
            year.count != 3, var year = number(year, digits: 2...4), clock.count == 3,
            let hour = number(clock[0], digits: 2...2), hour < 24,
            let minute = number(clock[1], digits: 2...2), minute < 60,
            let second = number(clock[2], digits: 2...2), second <= 60
        else { return nil }
        if year < 100 { year += year < 70 ? 2000 : 1900 }
        return days(year: year, month: month + 1, day: day) * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func number(_ digits: ArraySlice<UInt8>, digits allowed: ClosedRange<Int>) -> Int? {
        guard allowed.contains(digits.count), digits.allSatisfy(\.isDigit) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    /// Days from 1970-01-01 in the Gregorian calendar, for years ≥ 1: years are counted from March, so that the
    /// leap day is the last of its year.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
    fileprivate var isLetter: Bool { (self | 0x20) >= UInt8(ascii: "a") && (self | 0x20) <= UInt8(ascii: "z") }
}

extension [UInt8] {
    fileprivate func trimmingBlanks() -> [UInt8] {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        guard let low = firstIndex(where: { !isBlank($0) }), let high = lastIndex(where: { !isBlank($0) }) else {
            return []
        }
        return Array(self[low...high])
    }
}
