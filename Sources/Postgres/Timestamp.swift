// SPDX-License-Identifier: Apache-2.0

/// An instant: microseconds since 1970-01-01 00:00 UTC, the precision of PostgreSQL's `timestamptz`.
///
/// `distantPast` and `distantFuture` stand for `-infinity` and `infinity`.
package struct Timestamp: Sendable, Hashable, Comparable {
    /// Microseconds since the Unix epoch; negative before 1970.
    package let microseconds: Int64

    /// The instant that many microseconds after the Unix epoch.
    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// `-infinity`.
    package static let distantPast = Timestamp(microseconds: .min)
    /// `infinity`.
    package static let distantFuture = Timestamp(microseconds: .max)

    /// Earlier instants are smaller.
    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }

    /// PostgreSQL counts from 2000-01-01 00:00 UTC.
    static let postgresEpoch: Int64 = 946_684_800_000_000

    /// The wire form; instants before the range of `Int64` since 2000 become `-infinity`.
    var microsecondsSince2000: Int64 {
        if microseconds == .max { return .max }
        let (value, overflow) = microseconds.subtractingReportingOverflow(Self.postgresEpoch)
        return overflow ? .min : value
    }

    /// The instant of a wire value; nil when it lies after the range of `Int64` microseconds since 1970.
    init?(microsecondsSince2000 value: Int64) {
        if value == .max || value == .min {
            microseconds = value
            return
        }
        let (sum, overflow) = value.addingReportingOverflow(Self.postgresEpoch)
        if overflow { return nil }
        microseconds = sum
    }
}
