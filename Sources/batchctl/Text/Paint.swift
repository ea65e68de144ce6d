// SPDX-License-Identifier: Apache-2.0

/// Colours of states, where colours are wanted.
enum Paint {
    /// The SGR code of a status: green for the good end, red for the bad ones, yellow for what moves; nil for others.
    static func code(_ status: String) -> Int? {
        switch status {
        case "completed": 32
        case "failed", "expired", "cancelled": 31
        case "validating", "in_progress", "finalizing", "cancelling": 33
        default: nil
        }
    }
}

extension [String] {
    /// These lines with the first occurrence of `status` in the first line coloured, where the terminal has colours.
    func painted(status: String, _ terminal: Terminal) -> [String] {
        guard terminal.hasColor, let first, first.hasSuffix(status), let code = Paint.code(status) else { return self }
        return ["\(first.dropLast(status.count))\u{1B}[\(code)m\(status)\u{1B}[0m"] + dropFirst()
    }
}
