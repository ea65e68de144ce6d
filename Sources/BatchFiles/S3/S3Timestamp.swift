// SPDX-License-Identifier: Apache-2.0

/// An instant in the basic format of ISO 8601 that signatures carry, `20130524T000000Z`. (contracts: SigV4, time)
struct S3Timestamp: Hashable, Sendable {
    /// `YYYYMMDDTHHMMSSZ`, UTC.
    let text: String
    /// `YYYYMMDD`, UTC.
    var day: String { String(text.prefix(8)) }

    /// The instant so many seconds after 1970-01-01 UTC; years 0…9999.
    init(unixSeconds: Int64) {
        let (day, second) = unixSeconds.quotientAndRemainder(dividingBy: 86_400)
        // Years counted from March, so that the leap day is the last of its year; eras of 400 years.
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        text =
            Self.digits(year, 4) + Self.digits(month, 2) + Self.digits(dayOfMonth, 2) + "T"
            + Self.digits(second / 3_600, 2) + Self.digits(second / 60 % 60, 2) + Self.digits(second % 60, 2) + "Z"
    }

    /// Seconds since 1970 of `2009-10-12T17:50:30.000Z`, as listings write it; nil for anything else.
    static func unixSeconds(listed text: String) -> Int64? {
        let bytes = Array(text.utf8)
        let marks: [(Int, UInt8)] = [
            (4, UInt8(ascii: "-")), (7, UInt8(ascii: "-")), (10, UInt8(ascii: "T")), (13, UInt8(ascii: ":")),
            (16, UInt8(ascii: ":")),
        ]
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"), marks.allSatisfy({ bytes[$0.0] == $0.1 }) else {
            return nil
        }
        let places = [0..<4, 5..<7, 8..<10, 11..<13, 14..<16, 17..<19]
        let parts = places.compactMap { Int64(String(decoding: bytes[$0], as: UTF8.self)) }
        guard parts.count == 6, (1...12).contains(parts[1]), (1...31).contains(parts[2]) else { return nil }
        let year = parts[1] <= 2 ? parts[0] - 1 : parts[0]
        let month = parts[1] > 2 ? parts[1] - 3 : parts[1] + 9
        let dayOfYear = (153 * month + 2) / 5 + parts[2] - 1
        let days = year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
        return days * 86_400 + parts[3] * 3_600 + parts[4] * 60 + parts[5]
    }

    private static func digits(_ number: Int64, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
}
