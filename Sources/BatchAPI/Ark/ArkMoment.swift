// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Moments as Ark's control plane writes them, such as `2026-01-12T13:39:07Z`. (RFC 3339; contracts: Ark item)
enum ArkMoment {
    /// The text of an instant in UTC, years 0…9999.
    static func text(_ unixSeconds: Int64) -> String {
        var seconds = time_t(unixSeconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let year = String(Int(parts.tm_year) + 1_900)
        let date = [
            String(repeating: "0", count: max(0, 4 - year.count)) + year, two(parts.tm_mon + 1), two(parts.tm_mday),
        ]
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(two)
        return "\(date.joined(separator: "-"))T\(clock.joined(separator: ":"))Z"
    }

    private static func two(_ number: Int32) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
