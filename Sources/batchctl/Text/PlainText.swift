// SPDX-License-Identifier: Apache-2.0

/// Text from elsewhere made fit for a terminal.
enum PlainText {
    /// `text` with every control character, and every one that turns the direction of writing, shown as `?`:
    /// names and messages come from others and must not move the cursor or forge lines.
    static func safe(_ text: String) -> String {
        var output = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isHarmful =
                scalar.properties.generalCategory == .control || (0x202A...0x202E).contains(scalar.value)
                || (0x2066...0x2069).contains(scalar.value)
            output.append(isHarmful ? "?" : scalar)
        }
        return String(output)
    }

    /// Columns that `text` takes on a terminal: East Asian wide characters and emoji take two, marks none.
    static func columns(_ text: String) -> Int {
        text.reduce(0) { $0 + columns($1) }
    }

    /// The longest beginning of `text` within `width` columns; a cut is marked by `…` where there is room.
    static func fit(_ text: String, width: Int) -> String {
        guard columns(text) > width else { return text }
        guard width > 0 else { return "" }
        var output = ""
        var used = 0
        for character in text {
            let next = columns(character)
            guard used + next <= width - 1 else { break }
            output.append(character)
            used += next
        }
        return output + "…"
    }

    private static func columns(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0..<0x300: return 1
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
            0x20000...0x3FFFD:
            return 2
        default:
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .format: return 0
            default: return 1
            }
        }
    }
}
