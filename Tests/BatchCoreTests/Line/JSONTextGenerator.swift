// SPDX-License-Identifier: Apache-2.0

/// Makes JSON texts that look like request lines, and damages them in the ways parsers disagree about.
struct JSONTextGenerator {
    private var random: SeededGenerator

    /// The whole sequence follows from `seed`.
    init(seed: UInt64) {
        self.random = SeededGenerator(state: seed)
    }

    /// The next text: one in four undamaged.
    mutating func next() -> [UInt8] {
        var text = pick(8) == 0 ? value(0) : line()
        for _ in 0..<[0, 1, 1, 2][pick(4)] { damage(&text) }
        return text
    }

    private mutating func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    private mutating func space() -> [UInt8] {
        pick(5) == 0 ? (0...pick(3)).map { _ in [0x20, 0x20, 0x09, 0x0D, 0x0A][pick(5)] } : []
    }

    /// An object with the keys of a request line, some missing, some twice, some spelled with escapes.
    private mutating func line() -> [UInt8] {
        object(["custom_id", "method", "url", "body"], otherEvery: 6) { generator, key in
            if key == "body", generator.pick(8) > 0 {
                return generator.object(["model", "messages", "stream", "input", "prompt"], otherEvery: 4) { inner, _ in
                    inner.value(2)
                }
            }
            return generator.pick(3) > 0 ? generator.string() : generator.value(1)
        }
    }

    private mutating func object(
        _ keys: [String], otherEvery: Int, _ content: (inout JSONTextGenerator, String) -> [UInt8]
    ) -> [UInt8] {
        var out: [UInt8] = space() + [0x7B] + space()
        var isFirst = true
        for _ in 0..<pick(keys.count + 3) {
            let key = pick(otherEvery) == 0 ? ["x", "é", "", "custom", "Body"][pick(5)] : keys[pick(keys.count)]
            if !isFirst { out += [0x2C] + space() }
            isFirst = false
            out += spelled(key) + space() + [0x3A] + space() + content(&self, key) + space()
        }
        return out + [0x7D] + space()
    }

    /// A key, now and then with a letter as an escape.
    private mutating func spelled(_ key: String) -> [UInt8] {
        guard pick(8) == 0, let first = key.unicodeScalars.first, first.value < 0x100 else { return utf8("\"\(key)\"") }
        let hex = String(first.value, radix: 16, uppercase: pick(2) == 0)
        return utf8("\"\\u00\(hex)" + String(key.unicodeScalars.dropFirst().map(Character.init)) + "\"")
    }

    private mutating func value(_ depth: Int) -> [UInt8] {
        switch pick(depth > 4 ? 6 : 10) {
        case 0: return utf8(["true", "false", "null"][pick(3)])
        case 1, 2: return number()
        case 3, 4, 5: return string()
        case 6, 7: return array(depth)
        case 8 where pick(12) == 0:
            // Around the depth limit, whatever is around it.
            let count = 120 + pick(16)
            return [UInt8](repeating: 0x5B, count: count) + [UInt8](repeating: 0x5D, count: count)
        default: return object(["a", "b", "model"], otherEvery: 3) { generator, _ in generator.value(depth + 1) }
        }
    }

    private mutating func array(_ depth: Int) -> [UInt8] {
        var out: [UInt8] = [0x5B] + space()
        for index in 0..<pick(5) { out += (index > 0 ? [0x2C] + space() : []) + value(depth + 1) + space() }
        return out + [0x5D]
    }

    private mutating func number() -> [UInt8] {
        let texts = [
            "0", "-0", "1", "10", "-12.50", "1e400", "1E+2", "-0.0e-0", "18446744073709551616",
            "1.7976931348623157e309",
            String(repeating: "7", count: 40), "1e-7", "0.1",
        ]
        return utf8(texts[pick(texts.count)])
    }

    private mutating func string() -> [UInt8] {
        let parts = [
            "a", "hello world, this is text", "中文", "é", "😀", "\u{2028}", "\u{7F}", "\u{FFFD}", "\u{10FFFF}",
            "\u{FEFF}",
            #"\n"#, #"\""#, #"\\"#, #"\/"#, #"\u0000"#, #"\u4e2D"#, #"\ud83d\ude00"#, #"\uDBFF\uDFFF"#, #"\uE000"#, "/",
            "12345678", #"\b\f\r\t"#, "'", "{[,:]}",
        ]
        var out: [UInt8] = [0x22]
        for _ in 0..<pick(7) { out += utf8(parts[pick(parts.count)]) }
        return out + [0x22]
    }

    /// One damage: a byte or fragment put in, taken out, changed, moved, or the end cut off.
    private mutating func damage(_ text: inout [UInt8]) {
        let at = text.isEmpty ? 0 : pick(text.count)
        let fragments: [[UInt8]] = [
            utf8(#"\ud800"#), utf8(#"\udc00"#), utf8(#"\u12"#), utf8(#"\x"#), utf8(#"\"#), utf8("\""), utf8("{"),
            utf8("}"),
            utf8("["), utf8("]"), utf8(","), utf8(":"), utf8("0"), utf8("-"), utf8("+"), utf8("."), utf8("e"),
            utf8("NaN"),
            utf8("Infinity"), utf8("nul"), utf8(" "), [0x00], [0x0B], [0x1F], [0x0A], [0x80], [0xC0, 0x80],
            [0xED, 0xA0, 0x80],
            [0xED, 0x9F, 0xBF], [0xE0, 0x80, 0x80], [0xE0, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xF4, 0x8F, 0xBF, 0xBF],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xEF, 0xBB, 0xBF], [0xFF], [0xF8], [0xC2], [0xE4, 0xB8], [0xC2, 0xA0],
        ]
        switch pick(7) {
        case 0, 1: text.insert(contentsOf: fragments[pick(fragments.count)], at: at)
        case 2 where !text.isEmpty: text.remove(at: at)
        case 3 where !text.isEmpty: text[at] = UInt8(pick(256))
        case 4 where !text.isEmpty: text[at] ^= 1 << UInt8(pick(8))
        case 5 where !text.isEmpty: text.removeLast(pick(min(text.count, 12)))
        default: if !text.isEmpty { text.insert(text[pick(text.count)], at: at) }
        }
    }
}
