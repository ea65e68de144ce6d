// SPDX-License-Identifier: Apache-2.0
import BatchAPI
import BatchCoordinator
import BatchInference
import BatchWebhook
import BatchWorker
import Curl
import Glibc
import Sealing

/// The settings in effect and where each came from: flags over environment over configuration file over defaults.
struct ResolvedSettings: Sendable {
    /// Where a value came from.
    enum Source: Hashable, Sendable, CustomStringConvertible {
        case defaults
        case file(String, line: Int)
        case environment(String)
        case flag(String)

        /// As people read it.
        var description: String {
            switch self {
            case .defaults: "default"
            case .file(let path, let line): "\(path):\(line)"
            case .environment(let name): name
            case .flag(let name): name
            }
        }
    }

    /// What was given on the command line.
    struct Flags: Sendable {
        /// Path of the configuration file; nil: `SHARDLINE_CONFIG`, else none.
        var configurationPath: String?
        /// Texts by the name of their setting, and the flag that brought them.
        var values: [String: (text: String, flag: String)] = [:]
    }

    /// The values.
    private(set) var settings = Settings()
    /// Where each came from, by name; missing: default.
    private(set) var sources: [String: Source] = [:]
    /// Names of the environment that look like misspelt settings; worth a warning.
    private(set) var suspects: [String] = []

    /// The variable that names the configuration file.
    static let configurationVariable = "SHARDLINE_CONFIG"

    /// Merges all sources.
    ///
    /// - Throws: ``SettingsError`` with every problem of every source.
    init(flags: Flags, environment: [String: String]) throws {
        var problems: [String] = []
        let file = try Self.file(flags: flags, environment: environment)
        problems += file?.problems ?? []
        settings.sinks = file?.sinks ?? []
        settings.objectStores = file?.objectStores ?? []
        settings.namedBackends = file?.backends.map(\.configuration) ?? []
        for row in SettingsTable.all {
            let source: Source
            let text: String
            if let given = flags.values[row.name] {
                (source, text) = (.flag(given.flag), given.text)
            } else if let value = environment[row.variable] {
                (source, text) = (.environment(row.variable), value)
            } else if let file, let entry = file.entries[row.name] {
                (source, text) = (.file(file.path, line: entry.line), entry.text)
            } else {
                continue
            }
            do {
                try row.write(&settings, text)
                sources[row.name] = source
            } catch {
                problems.append("\(row.name) (\(source)) is \"\(row.shown(text))\": \(error)")
            }
        }
        problems += Self.suspiciousFlags(flags)
        suspects = Self.suspects(environment)
        if problems.isEmpty { problems = settings.validate() }
        guard problems.isEmpty else { throw SettingsError(problems: problems) }
    }

    private static func file(flags: Flags, environment: [String: String]) throws -> ConfigurationFile? {
        guard let path = flags.configurationPath ?? environment[configurationVariable], !path.isEmpty else {
            return nil
        }
        guard let text = DirectoryEntries.text(of: path, limit: 1 << 20) else {
            throw SettingsError(problems: ["cannot read the configuration file \(path): \(SystemReason.text(errno))"])
        }
        return ConfigurationFile(path: path, text: text, environment: environment)
    }

    private static func suspiciousFlags(_ flags: Flags) -> [String] {
        flags.values.keys.filter { SettingsTable.row($0) == nil }.sorted().map { name in
            let hint = NearestName.of(name, in: SettingsTable.all.map(\.name)).map { ", did you mean \($0)?" }
            return "--set \(name): unknown setting\(hint ?? "; `batchd settings` lists them all")"
        }
    }

    /// Other programs may use the same prefix, so that only near misses count.
    private static func suspects(_ environment: [String: String]) -> [String] {
        let known = SettingsTable.all.map(\.variable)
        let others = [configurationVariable, "SHARDLINE_URL", "SHARDLINE_API_KEY"]
        return environment.keys.filter { $0.hasPrefix("SHARDLINE_") && !known.contains($0) && !others.contains($0) }
            .sorted().compactMap { name in
                guard let nearest = NearestName.of(name, in: known),
                    NearestName.distance(Array(name.unicodeScalars), Array(nearest.unicodeScalars)) <= 3
                else { return nil }
                return "\(name) is not a setting; did you mean \(nearest)?"
            }
    }
}

extension Settings {
    /// What is wrong with the values taken together, one line each; empty when they can be used.
    func validate() -> [String] {
        var problems = worker.validate() + api.validate() + coordinator.validate() + live.validate()
        problems += vaultStore.validate() + audio.validate()
        if vaultStore.isSet, !vaultDirectory.isEmpty {
            problems.append("vault.directory and vault.s3.bucket are both set: files can be in one of them only")
        }
        problems += backends.flatMap { $0.validate() }
        let names = Dictionary(grouping: backends, by: \.name)
        problems += names.filter { $1.count > 1 }.keys.sorted().map { "backend \($0): the name is used twice" }
        problems += sinks.flatMap { $0.validate() }
        let sinkNames = Dictionary(grouping: sinks, by: \.name)
        problems += sinkNames.filter { $1.count > 1 }.keys.sorted().map { "sink \($0): the name is used twice" }
        problems += objectStores.flatMap { $0.validate() }
        let storeNames = Dictionary(grouping: objectStores, by: \.name)
        problems += storeNames.filter { $1.count > 1 }.keys.sorted().map {
            "object store \($0): the name is used twice"
        }
        if !sealingKey.isEmpty && SealingKey(sealingKey) == nil {
            problems.append(
                "sealing_key: must be base64 of \(SealingKey.byteCount) bytes, such as: openssl rand -base64 32")
        }
        do { _ = try AddressAllowList(parsing: outboundAllow) } catch {
            problems.append("outbound.allow: \(error)")
        }
        if !webhookSecret.isEmpty && WebhookSecret(webhookSecret) == nil {
            problems.append(
                """
                webhook.secret: must be whsec_ and base64 of \(WebhookSecret.bytesMin)…\(WebhookSecret.bytesMax) \
                bytes, such as: echo "whsec_$(openssl rand -base64 32)"
                """)
        }
        if !webhookURL.isEmpty && !["http://", "https://"].contains(where: { webhookURL.hasPrefix($0) }) {
            problems.append("webhook.url: must begin with https:// or http://, is \(webhookURL)")
        }
        return problems
    }
}
