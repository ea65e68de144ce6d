// SPDX-License-Identifier: Apache-2.0

/// Facts about one thing, one a line, in two columns.
enum Facts {
    /// The lines of the facts that are known, indented, made safe for a terminal.
    static func lines(_ facts: [(String, String?)]) -> [String] {
        let known = facts.compactMap { name, value in value.map { (name, PlainText.safe($0)) } }
        let width = known.map(\.0.count).max() ?? 0
        return known.map { "  " + $0.0 + String(repeating: " ", count: width - $0.0.count) + "  " + $0.1 }
    }
}
