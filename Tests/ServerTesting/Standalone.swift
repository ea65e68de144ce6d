// SPDX-License-Identifier: Apache-2.0

/// `batchd standalone`: everything in one process, with a PostgreSQL of its own.
package struct Standalone: Sendable {
    /// The daemon.
    package let process: ChildProcess
    /// Where it serves, and the key.
    package let server: ServerAddress

    /// Starts it on a free port and waits until it is ready.
    ///
    /// - Parameter dataDir: folder in `scratch`; the same one again finds everything of the former run.
    package static func start(
        in scratch: Scratch, dataDir: String = "data", backend: Backend? = nil, arguments: [String] = [],
        environment: [String: String?] = [:]
    ) async throws -> Standalone {
        let target = backend.map { ["--backend", $0.baseURL] } ?? []
        let process = try ChildProcess(
            Products.program("batchd"),
            ["standalone", "--data-dir", scratch.path(dataDir), "--port", "0"] + target + arguments,
            environment: environment, name: "standalone", in: scratch)
        let line = try await process.line(beginningWith: "shardline ready ")
        return Standalone(process: process, server: try ServerAddress(readyLine: line))
    }
}
