// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Foundation
import Glibc
import Logging

/// Writes log lines to standard error, each with one system call: for people, or as JSON objects.
struct StandardErrorLog: LogHandler {
    /// Added to every line.
    var metadata: Logger.Metadata = [:]
    /// Added to every line, asked each time.
    var metadataProvider: Logger.MetadataProvider?
    /// Least severe level that is written.
    var logLevel: Logger.Level
    private let label: String
    private let format: LogFormat

    /// Longest value of one metadata entry, in characters; the rest is cut.
    private static let valueCharactersMax = 4_000

    /// A handler for the logger named `label`.
    init(label: String, level: Logger.Level, format: LogFormat) {
        self.label = label
        self.logLevel = level
        self.format = format
    }

    /// A logger that writes as the settings say.
    static func logger(_ label: String, _ settings: LogSettings) -> Logger {
        let level = Logger.Level(rawValue: settings.level.rawValue) ?? .info
        return Logger(label: label) { StandardErrorLog(label: $0, level: level, format: settings.format) }
    }

    /// One entry of ``metadata``.
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line; the logger has compared the level already.
    func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let explicit = event.metadata { all.merge(explicit) { _, new in new } }
        if let error = event.error { all["error"] = "\(error)" }
        let fields = all.sorted { $0.key < $1.key }.map { ($0.key, Self.cut("\($0.value)")) }
        let time = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        let text =
            switch format {
            case .text: Self.plain(time, event.level, "\(event.message)", fields)
            case .json: Self.object(time, event.level, label, "\(event.message)", fields)
            }
        Self.write(text + "\n")
    }

    /// `2026-01-31T12:00:00.000Z notice  message key=value key="two words"`.
    static func plain(
        _ time: String, _ level: Logger.Level, _ message: String, _ fields: [(String, String)]
    ) -> String {
        let name = level.rawValue + String(repeating: " ", count: max(0, 7 - level.rawValue.count))
        return fields.reduce("\(time) \(name) \(message)") { line, field in
            let needsQuotes = field.1.isEmpty || field.1.contains { $0 == " " || $0 == "\"" || $0.isNewline }
            return "\(line) \(field.0)=\(needsQuotes ? JSONValue.string(field.1).text : field.1)"
        }
    }

    /// One JSON object; the members of the log itself come first.
    static func object(
        _ time: String, _ level: Logger.Level, _ label: String, _ message: String, _ fields: [(String, String)]
    ) -> String {
        var members: [JSONValue.Member] = [
            .init("time", .string(time)), .init("level", .string(level.rawValue)), .init("logger", .string(label)),
            .init("message", .string(message)),
        ]
        members += fields.map { .init($0.0, .string($0.1)) }
        return JSONValue.object(members).text
    }

    private static func cut(_ text: String) -> String {
        text.count <= valueCharactersMax ? text : text.prefix(valueCharactersMax) + "…"
    }

    /// A log that nobody reads any more is no reason to stop.
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(STDERR_FILENO, rest.baseAddress, rest.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
