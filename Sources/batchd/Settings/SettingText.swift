// SPDX-License-Identifier: Apache-2.0

/// How values of settings are written: parsing and printing, each the inverse of the other.
enum SettingText {
    /// A whole number in `range`.
    static func integer(_ text: String, in range: ClosedRange<Int>) throws -> Int {
        guard let value = Int(text), range.contains(value) else {
            throw SettingFault("must be a whole number \(describe(range))")
        }
        return value
    }

    /// A number in `range`, with a point before its fraction if it has one.
    static func number(_ text: String, in range: ClosedRange<Double>) throws -> Double {
        guard text.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." }), let value = Double(text),
            range.contains(value)
        else {
            throw SettingFault("must be a number \(describe(range))")
        }
        return value
    }

    /// The shortest form that reads as the same number, such as `0.2` or `2`.
    static func number(_ value: Double) -> String {
        let text = String(value)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// A size in bytes: a number, or one with KiB, MiB, GiB or TiB.
    static func bytes(_ text: String) throws -> Int64 {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard let number = Int64(digits), let factor = byteUnits.first(where: { $0.name == unit })?.bytes else {
            throw SettingFault("must be a size such as 4194304, 512KiB, 4MiB or 8GiB")
        }
        let (value, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { throw SettingFault("is too large") }
        return value
    }

    /// The shortest exact form, such as `4MiB`.
    static func bytes(_ value: Int64) -> String {
        let unit = byteUnits.last { value != 0 && value % $0.bytes == 0 }
        return unit.map { "\(value / $0.bytes)\($0.name)" } ?? String(value)
    }

    /// A length of time: a number with ms, s, m, h or d; without a unit seconds.
    static func duration(_ text: String) throws -> Duration {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        let known = timeUnits.first { $0.name == (unit.isEmpty ? "s" : unit) }
        // A hundred million days are more than anything here can mean, and far from overflow.
        guard let number = Int64(digits), number <= 100_000_000, let known else {
            throw SettingFault("must be a length of time such as 500ms, 10s, 5m, 24h or 30d")
        }
        return .milliseconds(number * known.milliseconds)
    }

    /// The shortest exact form, such as `24h`.
    static func duration(_ value: Duration) -> String {
        let (seconds, attoseconds) = value.components
        let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
        guard milliseconds != 0 else { return "0s" }
        let unit = timeUnits.last { milliseconds % $0.milliseconds == 0 }
        return unit.map { "\(milliseconds / $0.milliseconds)\($0.name)" } ?? "\(milliseconds)ms"
    }

    /// `true` or `false`.
    static func flag(_ text: String) throws -> Bool {
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: throw SettingFault("must be true or false")
        }
    }

    /// A range as words: `of 1…64`, `of 1 or more`.
    static func describe(_ range: ClosedRange<Int>) -> String {
        range.upperBound == .max
            ? "of \(range.lowerBound) or more" : "of \(range.lowerBound)…\(range.upperBound)"
    }

    /// A range as words: `of 0…10`.
    static func describe(_ range: ClosedRange<Double>) -> String {
        "of \(number(range.lowerBound))…\(number(range.upperBound))"
    }

    private static let byteUnits: [(name: Substring, bytes: Int64)] = [
        ("", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    private static let timeUnits: [(name: Substring, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]
}
