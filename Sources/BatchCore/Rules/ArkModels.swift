// SPDX-License-Identifier: Apache-2.0

/// Which model of the backends stands for a model that clients of Ark name, as the operator says it; names without an
/// entry are passed on. (contracts: Ark create request, ModelReference; Ark runtime batch, model)
package struct ArkModels: Hashable, Sendable, CustomStringConvertible {
    /// What clients write, and what backends serve in its place.
    package let entries: [String: String]

    /// A table; empty: every name is passed on.
    package init(_ entries: [String: String] = [:]) {
        self.entries = entries
    }

    /// Reads `name=model` pairs that are separated by commas; blanks around names do not count.
    ///
    /// - Throws: a sentence about the first entry that is no pair.
    package init(parsing text: String) throws(ArkModelsFault) {
        var entries: [String: String] = [:]
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(Self.trimmed)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw ArkModelsFault(entry: Self.trimmed(pair), isTwice: false)
            }
            guard entries.updateValue(parts[1], forKey: parts[0]) == nil else {
                throw ArkModelsFault(entry: parts[0], isTwice: true)
            }
        }
        self.entries = entries
    }

    /// The model that serves a foundation model: the entry `name-version`, else the entry `name`, else `name-version`
    /// itself, or `name` where there is no version.
    package func served(name: String, version: String?) -> String {
        let full = version.map { $0.isEmpty ? name : "\(name)-\($0)" } ?? name
        return entries[full] ?? entries[name] ?? full
    }

    /// The model that serves a custom model or an endpoint: its entry, else the id itself.
    package func served(_ id: String) -> String { entries[id] ?? id }

    /// The pairs as they are read, by name.
    package var description: String {
        entries.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}

/// An entry that is no pair, or stands twice.
package struct ArkModelsFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The entry, or the name that stands twice.
    package let entry: String
    /// Whether it stands twice.
    package let isTwice: Bool

    /// What is wrong, and the way out.
    package var description: String {
        isTwice
            ? "names \"\(entry)\" twice: keep one of the entries"
            : "has the entry \"\(entry)\", which is no pair: write name=model, several separated by commas"
    }
}
