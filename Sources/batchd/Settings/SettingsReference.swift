// SPDX-License-Identifier: Apache-2.0

/// Writes the table of settings for people: as a reference and as a configuration file with every default.
enum SettingsReference {
    /// `batchd settings`: every setting with variable, flag, unit, default and meaning.
    static func text() -> String {
        let defaults = Settings()
        var lines = [
            "Settings: flags over environment over configuration file (--config, SHARDLINE_CONFIG) over defaults.",
            "Any setting can be given as --set name=value.", "",
        ]
        for row in SettingsTable.all {
            lines.append(row.name)
            lines += wrapped(row.meaning, width: 96).map { "    " + $0 }
            let initial = row.read(defaults)
            var facts = ["\(row.unit)", "default \(initial.isEmpty ? "empty" : initial)", row.variable]
            if let flag = row.flag { facts.append(flag) }
            lines += ["    [\(facts.joined(separator: "; "))]", ""]
        }
        lines.append("backends: a list in the configuration file, each entry with these keys")
        lines += backendKeys().map { "    \($0)" }
        lines += ["", "sinks: a list in the configuration file, each entry with these keys"]
        lines += keys(of: SinkEntry.table, SinkEntry()).map { "    \($0)" }
        lines += ["", "object_stores: a list in the configuration file, each entry with these keys"]
        lines += keys(of: ObjectStoreEntry.table, ObjectStoreEntry()).map { "    \($0)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// `batchd settings --yaml`: the same as a configuration file that changes nothing.
    static func yaml() -> String {
        let defaults = Settings()
        var lines = [
            "# SPDX-License-Identifier: Apache-2.0",
            "# Every setting of batchd with its default. Printed by: batchd settings --yaml",
            "# Use it with: batchd … --config FILE. Flags win over environment variables, those over this file.",
            "# Durations: 500ms, 10s, 5m, 24h, 30d. Sizes: bytes, or with KiB, MiB, GiB.",
        ]
        var section: [String] = []
        for row in SettingsTable.all {
            let parts = row.name.split(separator: ".").map(String.init)
            let here = Array(parts.dropLast())
            if here.isEmpty || here.first != section.first { lines.append("") }
            let shared = zip(here, section).prefix { $0 == $1 }.count
            for depth in shared..<max(shared, here.count) {
                lines.append("\(String(repeating: "  ", count: depth))\(here[depth]):")
            }
            section = here
            let indent = String(repeating: "  ", count: here.count)
            lines += wrapped("\(row.meaning) (\(facts(row)))", width: 110).map { "\(indent)# \($0)" }
            // YAML joins the lines of a long text by blanks.
            let value = wrapped("\(parts[parts.count - 1]): \(scalar(row.read(defaults)))", width: 110)
            lines += value.enumerated().map { indent + ($0 == 0 ? "" : "  ") + $1 }
        }
        lines += [
            "", "# Named backends; a line goes to the first entry that serves its model.", "backends: []",
            "# backends:", "#   - name: main",
        ]
        lines += commented(backendKeys())
        lines += [
            "", "# Message brokers that are told of every event.", "sinks: []",
            "# sinks:", "#   - name: events",
        ]
        lines += commented(keys(of: SinkEntry.table, SinkEntry()))
        lines += [
            "", "# Object stores that projects may use with the server's keys, for the inputs and results of batches.",
            "object_stores: []", "# object_stores:", "#   - name: data",
        ]
        lines += commented(keys(of: ObjectStoreEntry.table, ObjectStoreEntry()))
        return lines.joined(separator: "\n") + "\n"
    }

    private static func commented(_ keys: [String]) -> [String] {
        keys.flatMap { key in
            wrapped(key, width: 106).enumerated().map { "#     # \($0 == 0 ? "" : "  ")\($1)" }
        }
    }

    private static func facts(_ row: SettingsTable.Row) -> String {
        ([row.unit, row.variable] + (row.flag.map { [$0] } ?? [])).joined(separator: "; ")
    }

    private static func backendKeys() -> [String] {
        var keys = keys(of: BackendEntry.table, BackendEntry())
        keys.insert("models: Names served, a list: exact, prefixes such as \"qwen-*\", or \"*\".", at: 2)
        return keys
    }

    private static func keys<Entry>(of table: [Setting<Entry>], _ defaults: Entry) -> [String] {
        table.map { row in
            let initial = row.read(defaults)
            return "\(row.name): \(row.meaning) (\(row.unit)\(initial.isEmpty ? "" : "; default \(initial)"))"
        }
    }

    /// Quoted where YAML would read something else than the text.
    private static func scalar(_ text: String) -> String {
        text.isEmpty ? "\"\"" : text
    }

    /// Breaks at blanks so that no line exceeds `width`, a longer word excepted.
    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + word.count < width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
