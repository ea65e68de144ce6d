// SPDX-License-Identifier: Apache-2.0

extension BatchID {
    /// What the ids of Ark's jobs start with.
    package static let arkPrefix = "bi-"
    /// The characters that make two jobs of one second differ.
    private static let arkAlphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
    private static let arkSuffixCount = 5

    /// A fresh id of an Ark job: `bi-<yyyymmddHHMMSS>-<5 of a-z0-9>`, the moment in UTC.
    /// (contracts: Ark create request)
    ///
    /// Two jobs of one second get the same in one of 60 million cases; the second is then refused by the database.
    /// - Parameter seconds: when it is made, in Unix seconds.
    package static func ark(
        madeAt seconds: Int64, using generator: inout some RandomNumberGenerator
    ) -> BatchID {
        let moment = CivilMoment(unixSeconds: seconds)
        let suffix = (0..<arkSuffixCount).map { _ in
            arkAlphabet[Int.random(in: arkAlphabet.indices, using: &generator)]
        }
        return BatchID(rawValue: arkPrefix + moment.digits + "-" + String(decoding: suffix, as: UTF8.self))
    }
}

/// A moment in UTC on the calendar; the years 1…9999.
private struct CivilMoment {
    /// `yyyymmddHHMMSS`.
    let digits: String

    init(unixSeconds: Int64) {
        let day = Int64((Double(unixSeconds) / 86_400).rounded(.down))
        let second = unixSeconds - day * 86_400
        // Days since the first of March of the year 0, in eras of 400 years, which all have the same length.
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        digits =
            Self.padded(year, 4)
            + [month, dayOfMonth, second / 3_600, second / 60 % 60, second % 60].map { Self.padded($0, 2) }.joined()
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
