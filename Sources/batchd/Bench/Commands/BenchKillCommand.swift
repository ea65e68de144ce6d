// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchCore

/// `batchd bench kill`.
struct BenchKillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Kill the worker in mid-batch, the coordinator during split and during finalize: no line is lost.",
        discussion: """
            SIGKILL, and a new process at once. The moments come from a batch that runs undisturbed first. Exit code 0 \
            when every batch was completed with every line once and in order.
            """)

    /// Lines of each batch.
    @Option(help: "Lines of each batch; enough of them make each stage long enough to be hit.")
    var lines = 100_000

    /// Bytes of a line.
    @Option(help: "Bytes of a line, its line end included.")
    var lineBytes = 1_000

    /// What all benches can be told.
    @OptionGroup var options: BenchOptions

    /// Refuses what cannot be used.
    func validate() throws {
        _ = try (options.batchLimit, input)
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        let (input, limit) = (try input, try options.batchLimit)
        try await BenchRun.run(options.plan, json: options.json) { fleet in
            try await KillBench(fleet: fleet, input: input, limit: limit).run()
        }
    }

    private var input: BenchInput {
        get throws {
            try BenchOptions.usable("--lines \(lines) --line-bytes \(lineBytes)") {
                try BenchInput(
                    lines: lines, lineBytes: lineBytes, endpoint: Endpoint.test.rawValue, model: Endpoint.testModel)
            }
        }
    }
}
