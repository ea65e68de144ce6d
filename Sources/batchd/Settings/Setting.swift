// SPDX-License-Identifier: Apache-2.0

/// One setting of `Target`: its name, what it means, and how its text is read into the target and back.
struct Setting<Target>: Sendable {
    /// How a value is shown to people.
    enum Secrecy: Hashable, Sendable {
        /// As it is.
        case open
        /// Never.
        case hidden
        /// With the password of the URL or connection string hidden.
        case hidesPassword
    }

    /// Where it stands in the configuration file, such as `worker.lease`.
    let name: String
    /// What it is measured in or looks like, such as `duration`, `bytes`, `integer 1…64`.
    let unit: String
    /// What it does, in one or two sentences.
    let meaning: String
    /// Its flag, such as `--port`; nil when it has none besides `--set name=value`.
    let flag: String?
    /// Who may see its value.
    let secrecy: Secrecy
    /// Whether the configuration file may have a mapping in its place; it is read as `name=value` pairs.
    var isMap = false
    /// The text of the target's present value.
    let read: @Sendable (Target) -> String
    /// Puts the value of a text into the target; throws ``SettingFault``.
    let write: @Sendable (inout Target, String) throws -> Void

    /// Its variable in the environment: `SHARDLINE_` and the name in capitals, such as `SHARDLINE_WORKER_LEASE`.
    var variable: String {
        "SHARDLINE_" + name.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
    }

    /// `value` as people may see it.
    func shown(_ value: String) -> String {
        switch secrecy {
        case .open: value
        case .hidden: value.isEmpty ? "" : "(hidden)"
        case .hidesPassword: PasswordMask.masked(value)
        }
    }
}

extension Setting {
    /// A path of `Target` that may be used from any thread.
    typealias Field<Value> = any WritableKeyPath<Target, Value> & Sendable

    /// A text; empty means that there is none.
    static func text(
        _ name: String, _ field: Field<String>, unit: String = "text", flag: String? = nil,
        secrecy: Secrecy = .open, _ meaning: String
    ) -> Setting {
        Setting(
            name: name, unit: unit, meaning: meaning, flag: flag, secrecy: secrecy, read: { $0[keyPath: field] },
            write: { $0[keyPath: field] = $1 })
    }

    /// A whole number.
    static func integer(
        _ name: String, _ field: Field<Int>, _ range: ClosedRange<Int>, flag: String? = nil, _ meaning: String
    ) -> Setting {
        Setting(
            name: name, unit: "integer \(SettingText.describe(range))", meaning: meaning, flag: flag, secrecy: .open,
            read: { String($0[keyPath: field]) },
            write: { $0[keyPath: field] = try SettingText.integer($1, in: range) })
    }

    /// A whole number that may be missing: 0 says so.
    static func optional(
        _ name: String, _ field: Field<Int?>, _ range: ClosedRange<Int>, _ meaning: String
    ) -> Setting {
        Setting(
            name: name, unit: "integer \(SettingText.describe(range)), or 0 for none", meaning: meaning, flag: nil,
            secrecy: .open, read: { String($0[keyPath: field] ?? 0) },
            write: { $0[keyPath: field] = $1 == "0" ? nil : try SettingText.integer($1, in: range) })
    }

    /// A number with or without a fraction.
    static func number(
        _ name: String, _ field: Field<Double>, _ range: ClosedRange<Double>, _ meaning: String
    ) -> Setting {
        Setting(
            name: name, unit: "number \(SettingText.describe(range))", meaning: meaning, flag: nil, secrecy: .open,
            read: { SettingText.number($0[keyPath: field]) },
            write: { $0[keyPath: field] = try SettingText.number($1, in: range) })
    }

    /// A length of time of `least` or more.
    static func duration(
        _ name: String, _ field: Field<Duration>, least: Duration = .milliseconds(1), _ meaning: String
    ) -> Setting {
        Setting(
            name: name, unit: "duration", meaning: meaning, flag: nil, secrecy: .open,
            read: { SettingText.duration($0[keyPath: field]) },
            write: { target, text in
                let value = try SettingText.duration(text)
                guard value >= least else { throw SettingFault("must be at least \(SettingText.duration(least))") }
                target[keyPath: field] = value
            })
    }

    /// A length of time kept in whole seconds; 0 means for ever.
    static func lifetime(_ name: String, _ field: Field<Int64>, _ meaning: String) -> Setting {
        Setting(
            name: name, unit: "duration", meaning: meaning, flag: nil, secrecy: .open,
            read: { SettingText.duration(.seconds($0[keyPath: field])) },
            write: { $0[keyPath: field] = try SettingText.duration($1).components.seconds })
    }

    /// A number of bytes, at least 1.
    static func bytes(_ name: String, _ field: Field<Int>, _ meaning: String) -> Setting {
        Setting(
            name: name, unit: "bytes", meaning: meaning, flag: nil, secrecy: .open,
            read: { SettingText.bytes(Int64($0[keyPath: field])) },
            write: { $0[keyPath: field] = Int(try positiveBytes($1)) })
    }

    /// A number of bytes, at least `least`, in 64 bits.
    static func bytes(_ name: String, _ field: Field<Int64>, least: Int64 = 1, _ meaning: String) -> Setting {
        Setting(
            name: name, unit: "bytes", meaning: meaning, flag: nil, secrecy: .open,
            read: { SettingText.bytes($0[keyPath: field]) },
            write: { $0[keyPath: field] = try positiveBytes($1, least: least) })
    }

    /// True or false.
    static func flag(_ name: String, _ field: Field<Bool>, _ meaning: String) -> Setting {
        Setting(
            name: name, unit: "true or false", meaning: meaning, flag: nil, secrecy: .open,
            read: { String($0[keyPath: field]) }, write: { $0[keyPath: field] = try SettingText.flag($1) })
    }

    /// One of the cases of an enumeration.
    static func choice<Value: RawRepresentable & CaseIterable & Sendable>(
        _ name: String, _ field: Field<Value>, flag: String? = nil, _ meaning: String
    ) -> Setting where Value.RawValue == String {
        let words = Value.allCases.map(\.rawValue)
        return Setting(
            name: name, unit: words.joined(separator: ", "), meaning: meaning, flag: flag, secrecy: .open,
            read: { $0[keyPath: field].rawValue },
            write: { target, text in
                guard let value = Value(rawValue: text) else {
                    throw SettingFault("must be one of \(words.joined(separator: ", "))")
                }
                target[keyPath: field] = value
            })
    }

    private static func positiveBytes(_ text: String, least: Int64 = 1) throws -> Int64 {
        let value = try SettingText.bytes(text)
        guard value >= least else { throw SettingFault("must be at least \(least)") }
        return value
    }
}
