// SPDX-License-Identifier: Apache-2.0

/// Colours of states, where colours are wanted.
enum Paint {
    /// The SGR code of a status: green for the good end, red for the bad ones, yellow for what moves; nil for others.
    static func code(_ status: String) -> Int? {
        switch status {
        case "completed", "enabled", "delivered": 32
        case "failed", "expired", "cancelled", "disabled", "exhausted": 31
        case "validating", "in_progress", "finalizing", "cancelling", "pending": 33
        default: nil
        }
    }
}

extension [String] {
    /// These lines with `status` at the end of the first line coloured, where the terminal has colours; the mark of a
    /// paused batch may follow it.
    func painted(status: String, _ terminal: Terminal) -> [String] {
        guard terminal.hasColor, let first, let code = Paint.code(status) else { return self }
        let mark = first.hasSuffix(BatchText.pausedMark) ? BatchText.pausedMark : ""
        let plain = first.dropLast(mark.count)
        guard plain.hasSuffix(status) else { return self }
        return ["\(plain.dropLast(status.count))\u{1B}[\(code)m\(status)\u{1B}[0m\(mark)"] + dropFirst()
    }
}
