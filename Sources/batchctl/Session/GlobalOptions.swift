// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient
internal import Curl

/// Which server, and as whom: the options of every command that talks to one.
struct GlobalOptions: ParsableArguments {
    /// Where a server is looked for when nobody says.
    static let defaultURL = "http://127.0.0.1:8080"

    /// `--url`; nil when not given.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The server, with or without /v1. [SHARDLINE_URL, or OPENAI_BASE_URL; else \(defaultURL)]",
            valueName: "url"))
    var url: String?

    /// `--api-key`; nil when not given.
    @Option(
        name: .long,
        help: ArgumentHelp("The key to show it. [SHARDLINE_API_KEY, or OPENAI_API_KEY]", valueName: "key"))
    var apiKey: String?

    /// `--quiet`.
    @Flag(name: .shortAndLong, help: "Say nothing but results and errors.")
    var quiet = false

    /// The server's address: option, then environment, then default.
    func address(_ environment: Environment) throws -> ServerAddress {
        do throws(ServerAddress.Fault) {
            return try ServerAddress(url ?? environment.url ?? Self.defaultURL)
        } catch {
            throw ValidationError(error.message)
        }
    }

    /// Everything a command needs to work.
    func session() throws -> Session {
        let environment = Environment.current()
        let terminal = Terminal(environment)
        let engine = CurlEngine(EngineConfiguration(connectionsMax: 8, userAgent: "batchctl/\(Program.version)"))
        let client = Client(
            address: try address(environment), apiKey: apiKey ?? environment.apiKey, engine: engine)
        return Session(
            client: client, output: StandardOutput(), narrator: Narrator(terminal, isQuiet: quiet), terminal: terminal,
            hintOptions: url.map { " --url \($0)" } ?? "")
    }
}
