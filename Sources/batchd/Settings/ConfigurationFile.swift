// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Yams

/// What a configuration file says, before it is known whether it makes sense.
struct ConfigurationFile: Sendable {
    /// A text and the line where it stands.
    struct Entry: Hashable, Sendable {
        /// The scalar as written, quotes removed.
        let text: String
        /// Counted from 1.
        let line: Int
    }

    /// Its path as given.
    let path: String
    /// Settings by name.
    private(set) var entries: [String: Entry] = [:]
    /// The entries of `backends`.
    private(set) var backends: [BackendEntry] = []
    /// The entries of `sinks`.
    private(set) var sinks: [SinkEntry] = []
    /// The entries of `object_stores`.
    private(set) var objectStores: [ObjectStoreEntry] = []
    /// What is wrong with it.
    private(set) var problems: [String] = []

    private static let backendsKey = "backends"
    private static let sinksKey = "sinks"
    private static let objectStoresKey = "object_stores"

    /// Reads YAML; what it cannot use becomes a problem.
    ///
    /// - Parameter environment: for `key_env` of backends.
    init(path: String, text: String, environment: [String: String]) {
        self.path = path
        do {
            guard let root = try Yams.compose(yaml: text) else { return }
            guard let mapping = root.mapping else {
                problems.append("\(path): must be a mapping of settings, such as `backend: http://host:8000/v1`")
                return
            }
            read(mapping, under: "", environment: environment)
        } catch {
            problems.append("\(path): is not valid YAML: \(error)")
        }
    }

    private mutating func read(_ mapping: Node.Mapping, under section: String, environment: [String: String]) {
        for (keyNode, value) in mapping {
            let name = section + (keyNode.string ?? "?")
            let place = "\(path):\(keyNode.mark?.line ?? 0)"
            if name == Self.backendsKey {
                for entry in entries(value, of: name, place: place) { readBackend(entry, environment: environment) }
            } else if name == Self.sinksKey {
                for entry in entries(value, of: name, place: place) { readSink(entry, environment: environment) }
            } else if name == Self.objectStoresKey {
                for entry in entries(value, of: name, place: place) { readStore(entry, environment: environment) }
            } else if SettingsTable.row(name) != nil {
                readValue(value, name: name, place: place)
            } else if SettingsTable.all.contains(where: { $0.name.hasPrefix(name + ".") }) {
                readSection(value, name: name, place: place, environment: environment)
            } else {
                problems.append("\(place): unknown setting \(name)\(Self.hint(name, Self.names(under: section)))")
            }
        }
    }

    private mutating func readSection(
        _ value: Node, name: String, place: String, environment: [String: String]
    ) {
        if let inner = value.mapping {
            read(inner, under: name + ".", environment: environment)
        } else if value.null == nil {
            // An empty section is one whose settings are all commented out.
            problems.append("\(place): \(name) is a section: put its settings below it, indented")
        }
    }

    private mutating func readValue(_ value: Node, name: String, place: String) {
        if let mapping = value.mapping, SettingsTable.row(name)?.isMap == true {
            return readPairs(mapping, name: name, place: place)
        }
        guard let scalar = value.scalar else {
            problems.append("\(place): \(name) must be a single value")
            return
        }
        let isEmpty = value.null != nil && scalar.style == .plain
        entries[name] = Entry(text: isEmpty ? "" : scalar.string, line: value.mark?.line ?? 0)
    }

    /// A mapping in place of pairs, which have their own separators.
    private mutating func readPairs(_ mapping: Node.Mapping, name: String, place: String) {
        var pairs: [String] = []
        for (keyNode, value) in mapping {
            guard let key = keyNode.string, let text = value.scalar?.string, !(key + text).contains(","),
                !key.contains("=")
            else {
                problems.append("\(place): \(name) must map names to names, without commas, and no = in the first")
                return
            }
            pairs.append("\(key)=\(text)")
        }
        entries[name] = Entry(text: pairs.joined(separator: ","), line: mapping.mark?.line ?? 0)
    }

    private mutating func entries(_ value: Node, of key: String, place: String) -> [Node.Mapping] {
        if value.null != nil { return [] }
        guard let list = value.sequence else {
            problems.append("\(place): \(key) must be a list of entries, each with a name and a url")
            return []
        }
        return list.compactMap { node in
            if let mapping = node.mapping { return mapping }
            problems.append("\(path):\(node.mark?.line ?? 0): an entry of \(key) must be a mapping")
            return nil
        }
    }

    private mutating func readSink(_ mapping: Node.Mapping, environment: [String: String]) {
        var entry = SinkEntry()
        for (keyNode, value) in mapping {
            let key = keyNode.string ?? "?"
            let place = "\(path):\(keyNode.mark?.line ?? 0)"
            do {
                guard let row = SinkEntry.table.first(where: { $0.name == key }) else {
                    problems.append(
                        "\(place): unknown key \(key) of a sink\(Self.hint(key, SinkEntry.table.map(\.name)))")
                    continue
                }
                guard let scalar = value.scalar else { throw SettingFault("must be a single value") }
                try row.write(&entry, scalar.string)
            } catch {
                problems.append("\(place): \(key) of a sink \(error)")
            }
        }
        if !entry.urlVariable.isEmpty {
            entry.url = environment[entry.urlVariable] ?? ""
            if entry.url.isEmpty {
                problems.append(
                    "\(path): the environment variable \(entry.urlVariable), named by url_env of sink \(entry.name), "
                        + "is not set")
            }
        }
        sinks.append(entry)
    }

    private mutating func readStore(_ mapping: Node.Mapping, environment: [String: String]) {
        var entry = ObjectStoreEntry()
        for (keyNode, value) in mapping {
            let key = keyNode.string ?? "?"
            let place = "\(path):\(keyNode.mark?.line ?? 0)"
            do {
                guard let row = ObjectStoreEntry.table.first(where: { $0.name == key }) else {
                    let hint = Self.hint(key, ObjectStoreEntry.table.map(\.name))
                    problems.append("\(place): unknown key \(key) of an object store\(hint)")
                    continue
                }
                // Lists may be written as such.
                let text = value.sequence.map { $0.compactMap(\.string).joined(separator: ",") } ?? value.scalar?.string
                guard let text else { throw SettingFault("must be a single value or a list") }
                try row.write(&entry, text)
            } catch {
                problems.append("\(place): \(key) of an object store \(error)")
            }
        }
        if !entry.secretVariable.isEmpty {
            entry.secretKey = environment[entry.secretVariable] ?? ""
            if entry.secretKey.isEmpty {
                problems.append(
                    "\(path): the environment variable \(entry.secretVariable), named by secret_key_env of object "
                        + "store \(entry.name), is not set")
            }
        }
        objectStores.append(entry)
    }

    private mutating func readBackend(_ mapping: Node.Mapping, environment: [String: String]) {
        var entry = BackendEntry()
        for (keyNode, value) in mapping {
            let key = keyNode.string ?? "?"
            let place = "\(path):\(keyNode.mark?.line ?? 0)"
            do {
                if key == BackendEntry.modelsKey {
                    entry.configuration.models = try Self.models(value)
                } else if let row = BackendEntry.table.first(where: { $0.name == key }) {
                    guard let scalar = value.scalar else { throw SettingFault("must be a single value") }
                    try row.write(&entry, scalar.string)
                } else {
                    let known = BackendEntry.table.map(\.name) + [BackendEntry.modelsKey]
                    problems.append("\(place): unknown key \(key) of a backend\(Self.hint(key, known))")
                }
            } catch {
                problems.append("\(place): \(key) of a backend \(error)")
            }
        }
        if !entry.keyVariable.isEmpty {
            entry.configuration.apiKey = environment[entry.keyVariable]
            if entry.configuration.apiKey == nil {
                problems.append(
                    """
                    \(path): the environment variable \(entry.keyVariable), named by key_env of backend \
                    \(entry.configuration.name), is not set
                    """)
            }
        }
        backends.append(entry)
    }

    private static func models(_ value: Node) throws -> [ModelPattern] {
        let texts = value.sequence.map { $0.map(\.string) } ?? [value.string]
        return try texts.map { text in
            guard let pattern = text.flatMap({ ModelPattern($0) }) else {
                throw SettingFault("must be a list of names, prefixes such as \"qwen-*\", or \"*\"")
            }
            return pattern
        }
    }

    private static func names(under section: String) -> [String] {
        let full = SettingsTable.all.map(\.name) + [backendsKey, sinksKey, objectStoresKey]
        let sections = Set(full.compactMap { name in name.lastIndex(of: ".").map { String(name[..<$0]) } })
        return (full + sections).filter { section.isEmpty || $0.hasPrefix(section) }
    }

    private static func hint(_ name: String, _ known: [String]) -> String {
        NearestName.of(name, in: known).map { ", did you mean \($0)?" } ?? "; `batchd settings` lists them all"
    }
}
