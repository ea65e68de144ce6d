// SPDX-License-Identifier: Apache-2.0

/// Finds what somebody probably meant.
enum NearestName {
    /// The name of `names` with the fewest edits from `text`, when they are at most a third of its length.
    static func of(_ text: String, in names: [String]) -> String? {
        let wanted = Array(text.lowercased().unicodeScalars)
        let ranked = names.map { ($0, distance(wanted, Array($0.lowercased().unicodeScalars))) }
        guard let best = ranked.min(by: { $0.1 < $1.1 }), best.1 <= max(1, wanted.count / 3) else { return nil }
        return best.0
    }

    /// Levenshtein's distance.
    static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var row = Array(0...right.count)
        for (index, scalar) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in right.enumerated() {
                let substituted = diagonal + (scalar == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substituted, row[column] + 1, row[column + 1] + 1)
            }
        }
        return row[right.count]
    }
}
