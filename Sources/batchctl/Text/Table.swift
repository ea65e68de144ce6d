// SPDX-License-Identifier: Apache-2.0

/// Rows in columns, two blanks apart.
struct Table {
    /// A column's title and on which side its cells are flush.
    struct Column {
        /// The title, in capitals.
        var title: String
        /// Whether the cells are flush right, as numbers are.
        var isNumber = false
        /// Whether the column is left out when all its cells are empty.
        var isOptional = false
    }

    /// The columns, from the left.
    var columns: [Column]
    /// The cells of each row; as many as there are columns.
    var rows: [[String]] = []

    /// A table without rows.
    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// The lines of the table, titles first, no blanks at the ends. Cells are made safe for a terminal.
    func lines() -> [String] {
        let shown = self.columns.indices.filter { column in
            !self.columns[column].isOptional || rows.contains { !$0[column].isEmpty }
        }
        let columns = shown.map { self.columns[$0] }
        let cells = [columns.map(\.title)] + rows.map { row in shown.map { PlainText.safe(row[$0]) } }
        let widths = columns.indices.map { column in cells.map { PlainText.columns($0[column]) }.max() ?? 0 }
        return cells.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - PlainText.columns(cell))
                if column > 0 { line += "  " }
                line += columns[column].isNumber ? padding + cell : cell + padding
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
