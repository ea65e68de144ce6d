// SPDX-License-Identifier: Apache-2.0

/// Rows in columns, two blanks apart: words flush left, numbers flush right.
struct TextTable: Hashable, Sendable {
    /// The titles, from the left.
    let titles: [String]
    /// Columns whose cells are flush left.
    let words: Set<Int>
    /// The cells of each row.
    private(set) var rows: [[String]] = []

    /// A table without rows; the columns in `words` are flush left.
    init(_ titles: [String], words: Set<Int> = [0]) {
        self.titles = titles
        self.words = words
    }

    /// Appends a row; missing cells are empty, those beyond the last title are dropped.
    mutating func add(_ cells: [String]) {
        let missing = Array(repeating: "", count: max(0, titles.count - cells.count))
        rows.append(Array(cells.prefix(titles.count)) + missing)
    }

    /// The lines, titles first, each with its line end and without blanks before it.
    var text: String {
        let all = [titles] + rows
        let widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { cells in
            var line = cells.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - cells[column].count)
                return words.contains(column) ? cells[column] + padding : padding + cells[column]
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
