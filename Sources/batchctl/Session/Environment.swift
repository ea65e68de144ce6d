// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What the environment says; read here and nowhere else in this program. An empty variable counts as unset.
struct Environment: Hashable, Sendable {
    /// `SHARDLINE_URL`, or else `OPENAI_BASE_URL`.
    var url: String?
    /// `SHARDLINE_API_KEY`, or else `OPENAI_API_KEY`.
    var apiKey: String?
    /// `SHARDLINE_WEBHOOK_SECRET`: what the events of a batch's own webhook are signed with.
    var webhookSecret: String?
    /// `OPENAI_BASE_URL`: the inference server that `run` calls.
    var modelURL: String?
    /// `OPENAI_API_KEY`: what `run` shows it. A key for Shardline is none for an inference server.
    var modelKey: String?
    /// `TERM`: the kind of terminal.
    var terminalKind: String?
    /// Whether `NO_COLOR` is set (no-color.org).
    var refusesColor = false

    /// Makes sense of variables.
    init(_ variable: (String) -> String?) {
        func value(_ name: String) -> String? { variable(name).flatMap { $0.isEmpty ? nil : $0 } }
        url = value("SHARDLINE_URL") ?? value("OPENAI_BASE_URL")
        apiKey = value("SHARDLINE_API_KEY") ?? value("OPENAI_API_KEY")
        webhookSecret = value("SHARDLINE_WEBHOOK_SECRET")
        modelURL = value("OPENAI_BASE_URL")
        modelKey = value("OPENAI_API_KEY")
        terminalKind = value("TERM")
        refusesColor = value("NO_COLOR") != nil
    }

    /// The environment of this process.
    static func current() -> Environment {
        Environment { name in getenv(name).map { String(cString: $0) } }
    }
}
