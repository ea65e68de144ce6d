// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import BatchCore

/// What a command works with.
struct Session: Sendable {
    /// The server.
    let client: Client
    /// Results and identifiers go here.
    let output: StandardOutput
    /// Talk goes here.
    let narrator: Narrator
    /// What the screen can do.
    let terminal: Terminal
    /// What commands suggested to the user need besides their arguments, so that they reach the same server.
    let hintOptions: String

    /// A command line that the user may type next.
    func hint(_ arguments: String) -> String { "batchctl \(arguments)\(hintOptions)" }

    /// Prints JSON of the server, as it came, and a line end.
    func print(json: [UInt8]) async throws(ClientError) {
        let isEnded = json.last == UInt8(ascii: "\n")
        try await output.write(isEnded ? json : json + [UInt8(ascii: "\n")])
    }

    /// Prints lines of text.
    func print(_ lines: [String]) async throws(ClientError) {
        try await output.write(Array(lines.map { $0 + "\n" }.joined().utf8))
    }

    /// Prints one line of text.
    func print(_ line: String) async throws(ClientError) {
        try await print([line])
    }
}
