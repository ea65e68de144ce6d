// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// Figures as text, the same on every machine.
enum FigureText {
    /// `12.345` for 12.3449 and three places; `0.000` for what is no number. At most nine places.
    static func fixed(_ value: Double, _ places: Int) -> String {
        let places = min(max(places, 0), 9)
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard scaled.isFinite, abs(scaled) < 9e18 else { return fixed(0, places) }
        let digits = String(Int64(scaled).magnitude)
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        let point = padded.index(padded.endIndex, offsetBy: -places)
        let text = places == 0 ? padded : "\(padded[..<point]).\(padded[point...])"
        return scaled < 0 ? "-" + text : text
    }

    /// `1,234,567`.
    static func count(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var output = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { output += "," }
            output.append(digit)
        }
        return number < 0 ? "-" + output : output
    }

    /// `96.0 MiB`.
    static func mebibytes(_ bytes: Int64) -> String {
        fixed(Double(bytes) / Double(1 << 20), 1) + " MiB"
    }

    /// So many per second, as a whole number; `-` for a time too short to tell.
    static func rate(_ count: Int, in time: Duration) -> String {
        let seconds = time.inSeconds
        return seconds > 0 ? Self.count(Int((Double(count) / seconds).rounded())) : "-"
    }
}

extension JSONValue {
    /// A number with at most six places.
    static func number(_ value: Double) -> JSONValue { .raw(FigureText.fixed(value, 6)) }
}
