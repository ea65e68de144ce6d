// SPDX-License-Identifier: Apache-2.0

/// What a bench writes into each of its lines, so that its backend can answer with the bytes of exactly that line:
/// `[[0000002a-00000007]]` is line 7 of the input with tag 42.
struct LineMarker: Hashable, Sendable {
    /// Which input file: distinct for all batches of a bench.
    var tag: UInt32
    /// Which line of it, from 0; below 100,000,000.
    var number: UInt32

    /// Bytes of the text: brackets, eight hexadecimal digits, a dash, eight decimal digits, brackets.
    static let byteCount = 21
    private static let digits = Array("0123456789abcdef".utf8)

    /// Appends the text.
    func append(to output: inout [UInt8]) {
        output.append(UInt8(ascii: "["))
        output.append(UInt8(ascii: "["))
        for shift in stride(from: UInt32(28), through: 0, by: -4) {
            output.append(Self.digits[Int(tag >> shift) & 0xF])
        }
        output.append(UInt8(ascii: "-"))
        var divisor: UInt32 = 10_000_000
        while divisor > 0 {
            output.append(Self.digits[Int(number / divisor % 10)])
            divisor /= 10
        }
        output.append(UInt8(ascii: "]"))
        output.append(UInt8(ascii: "]"))
    }

    /// The first marker in `bytes`; nil when there is none.
    static func find(in bytes: UnsafeRawBufferPointer) -> LineMarker? {
        let bracket = UInt8(ascii: "[")
        var at = 0
        while at + byteCount <= bytes.count {
            if bytes[at] == bracket, bytes[at + 1] == bracket, let marker = read(bytes, at) { return marker }
            at += 1
        }
        return nil
    }

    private static func read(_ bytes: UnsafeRawBufferPointer, _ begin: Int) -> LineMarker? {
        let end = begin + byteCount
        guard bytes[begin + 10] == UInt8(ascii: "-"), bytes[end - 1] == UInt8(ascii: "]"),
            bytes[end - 2] == UInt8(ascii: "]")
        else { return nil }
        var tag: UInt32 = 0
        for byte in bytes[(begin + 2)..<(begin + 10)] {
            guard let digit = value(byte) else { return nil }
            tag = tag << 4 | digit
        }
        var number: UInt32 = 0
        for byte in bytes[(begin + 11)..<(end - 2)] {
            guard let digit = value(byte), digit < 10 else { return nil }
            number = number * 10 + digit
        }
        return LineMarker(tag: tag, number: number)
    }

    private static func value(_ digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(digit - UInt8(ascii: "a")) + 10
        default: nil
        }
    }
}
