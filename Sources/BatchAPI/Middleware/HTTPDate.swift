// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The date form of HTTP headers, such as `Sun, 06 Nov 1994 08:49:37 GMT`. (RFC 9110 section 5.6.7)
enum HTTPDate {
    /// The present, by the system's clock.
    static func now() -> String {
        text(unixSeconds: unixSeconds())
    }

    /// Whole seconds since 1970, by the system's clock.
    static func unixSeconds() -> Int64 {
        Int64(time(nil))
    }

    /// The text of an instant, years 0…9999.
    static func text(unixSeconds: Int64) -> String {
        var seconds = time_t(unixSeconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let day = days[Int(parts.tm_wday)]
        let month = months[Int(parts.tm_mon)]
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(padded).joined(separator: ":")
        return "\(day), \(padded(parts.tm_mday)) \(month) \(Int(parts.tm_year) + 1_900) \(clock) GMT"
    }

    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func padded(_ number: Int32) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
