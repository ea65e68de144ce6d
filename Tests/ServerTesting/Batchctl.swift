// SPDX-License-Identifier: Apache-2.0

/// One finished run of `batchctl`.
package struct Batchctl: Sendable {
    /// Exit status.
    package let status: Int32
    /// Standard output.
    package let output: String
    /// Standard error.
    package let errors: String

    /// Runs it to its end against `server` (nil: no server is named) and without a terminal.
    package static func run(
        _ arguments: [String], server: ServerAddress?, environment: [String: String?] = [:], in scratch: Scratch,
        within deadline: Duration = .seconds(180)
    ) async throws -> Batchctl {
        var variables: [String: String?] = environment
        if let server {
            variables["SHARDLINE_URL"] = server.url
            variables["SHARDLINE_API_KEY"] = server.key
        }
        let process = try ChildProcess(
            Products.program("batchctl"), arguments, environment: variables, name: "batchctl", in: scratch)
        switch try await process.end(within: deadline) {
        case .exited(let status): return Batchctl(status: status, output: process.output, errors: process.errors)
        case .signalled(let signal):
            throw HarnessError("batchctl \(arguments) died of signal \(signal): \(process.logTail)")
        }
    }
}
