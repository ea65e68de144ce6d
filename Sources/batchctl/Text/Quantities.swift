// SPDX-License-Identifier: Apache-2.0

/// Numbers as people read them. Pure functions; every text is the same on every machine.
enum Quantities {
    /// `0 B`, `999 B`, `1.20 kB`, `84.0 MB`, `124 GB`: decimal units, three digits. Negative counts as 0.
    static func size(_ bytes: Int64) -> String {
        guard bytes >= 1_000 else { return "\(max(bytes, 0)) B" }
        var unit: UInt64 = 1_000
        let names = ["kB", "MB", "GB", "TB", "PB", "EB"]
        let bytes = UInt64(bytes)
        for name in names {
            let places = bytes < unit * 10 ? 2 : bytes < unit * 100 ? 1 : 0
            if let text = threeDigits(bytes, unit: unit, places: places) { return "\(text) \(name)" }
            // Rounding went over the edge of the unit (999,999 B), or the number is larger.
            if unit > UInt64.max / 1_000 { break }
            unit *= 1_000
        }
        return "\(bytes) B"
    }

    /// `1,234,567`.
    static func count(_ number: Int64) -> String {
        let digits = String(number.magnitude)
        var output = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { output += "," }
            output.append(digit)
        }
        return number < 0 ? "-" + output : output
    }

    /// `1 line`, `2 lines`, `1,000 lines`.
    static func count(_ number: Int64, _ singular: String, _ plural: String? = nil) -> String {
        "\(count(number)) \(number == 1 ? singular : plural ?? singular + "s")"
    }

    /// `84.0 MB/s`.
    static func byteRate(_ bytesPerSecond: Double) -> String {
        "\(size(Int64(clampedTo: bytesPerSecond)))/s"
    }

    /// `1,234 lines/s`, `3.2 lines/s`; below one in a second `24 lines/min`.
    static func lineRate(_ linesPerSecond: Double) -> String {
        if linesPerSecond >= 10 { return "\(count(Int64(clampedTo: linesPerSecond))) lines/s" }
        if linesPerSecond >= 1 {
            let tenths = Int64(clampedTo: linesPerSecond * 10)
            return "\(tenths / 10).\(tenths % 10) lines/s"
        }
        return "\(Int64(clampedTo: linesPerSecond * 60)) lines/min"
    }

    /// `42%`: rounded down, so that 100 % means all of it; nil when there is nothing to be a part of.
    static func percent(_ done: Int64, of total: Int64) -> Int? {
        guard total > 0 else { return nil }
        return Int(min(max(Double(done) / Double(total), 0), 1) * 100)
    }

    /// `number / unit` with so many decimal places, rounded; nil when that has more than three digits before the point.
    private static func threeDigits(_ number: UInt64, unit: UInt64, places: Int) -> String? {
        // Three digits need no more of a huge number, and this way no product overflows.
        if unit > 1_000_000_000_000 { return threeDigits(number / 1_000, unit: unit / 1_000, places: places) }
        let scale: UInt64 = places == 2 ? 100 : places == 1 ? 10 : 1
        let whole = number / unit
        let (part, rest) = (number % unit * scale).quotientAndRemainder(dividingBy: unit)
        let scaled = whole * scale + part + (rest * 2 >= unit ? 1 : 0)
        guard scaled < 1_000 else {
            // 9.996 becomes 10.0 and 99.96 becomes 100, with one place less.
            return places > 0 && scaled < 1_000 * scale ? threeDigits(number, unit: unit, places: places - 1) : nil
        }
        guard scale > 1 else { return String(scaled) }
        let decimals = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: places - decimals.count) + decimals
    }
}

extension Int64 {
    /// The nearest number of this type, rounded to the nearest; 0 for what is no number.
    init(clampedTo value: Double) {
        guard value.isFinite else {
            self = 0
            return
        }
        self = value.rounded() >= 9.2e18 ? .max : Int64(Swift.max(value.rounded(), -9.2e18))
    }
}
