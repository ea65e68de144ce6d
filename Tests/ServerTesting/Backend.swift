// SPDX-License-Identifier: Apache-2.0

/// A model server of Tests/Python as a process of its own.
package struct Backend: Sendable {
    /// The base URL to give to `--backend`, with `/v1`.
    package var baseURL: String { "\(control.url)/v1" }
    /// The process.
    package let process: ChildProcess
    /// Where every call is logged; only the scripted backend has one.
    package let logPath: String
    private let control: ServerAddress

    /// Numbers of the scripted backend.
    package struct Stats: Decodable, Sendable {
        /// Calls received so far.
        package let calls: Int
        /// Calls that have no answer yet.
        package let in_flight: Int
        /// Most calls at the same time.
        package let peak: Int
        /// Calls that wait for ``Backend/release()``.
        package let held: Int
    }

    /// Starts the backend that does what its requests say; `port` 0 picks a free one.
    package static func scripted(in scratch: Scratch, port: Int = 0) async throws -> Backend {
        let log = scratch.path("backend.log")
        return try await start("scripted_backend.py", ["--log", log, "--port", String(port)], log: log, in: scratch)
    }

    /// Starts the server of the real embedding model `all-MiniLM-L6-v2`.
    package static func embeddings(in scratch: Scratch) async throws -> Backend {
        try await start("embedding_server.py", [], log: "", in: scratch)
    }

    private static func start(
        _ script: String, _ arguments: [String], log: String, in scratch: Scratch
    ) async throws -> Backend {
        let process = try ChildProcess(
            Products.python(), [Products.script(script)] + arguments, name: "backend", in: scratch, holdsInput: true)
        let line = try await process.line(beginningWith: "ready url=")
        let control = try ServerAddress(url: String(line.dropFirst("ready url=".count)), key: "none")
        return Backend(process: process, logPath: log, control: control)
    }

    /// Its TCP port.
    package var port: Int { control.port }

    /// Calls beyond the first `count` of this backend's life are received but not answered.
    package func hold(after count: Int = 0) async throws { try await expectDone("hold?after=\(count)") }

    /// Answers what was held, and what comes.
    package func release() async throws { try await expectDone("release") }

    /// Every call does this step instead of its own; nil goes back to the scripts.
    package func override(step: String?) async throws {
        let query = (step ?? "").replacing(" ", with: "+").replacing("=", with: "%3D")
        try await expectDone("step?do=\(query)")
    }

    /// The present numbers.
    package func stats() async throws -> Stats {
        try await control.get("/control/stats").decode(Stats.self)
    }

    /// Waits until the numbers fulfil a condition.
    @discardableResult
    package func stats(reaching what: String, _ condition: (Stats) -> Bool) async throws -> Stats {
        try await eventually("backend with \(what)") {
            let stats = try await stats()
            return condition(stats) ? stats : nil
        }
    }

    private func expectDone(_ verb: String) async throws {
        let answer = try await control.send("POST", "/control/\(verb)")
        guard answer.status == 200 else { throw HarnessError("the backend refused \(verb): \(answer.text)") }
    }
}
