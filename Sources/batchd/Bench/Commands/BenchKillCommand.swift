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

    @Option(help: "Lines of each batch; enough of them make each stage long enough to be hit.")
    var lines = 100_000

    @Option(help: "Bytes of a line, its line end included.")
    var lineBytes = 1_000

    @OptionGroup var options: BenchOptions

    func validate() throws {
        _ = try options.batchLimit
    }

    func run() async throws {
        let input = try BenchInput(
            lines: lines, lineBytes: lineBytes, endpoint: Endpoint.test.rawValue, model: Endpoint.testModel)
        let limit = try options.batchLimit
        try await BenchRun.run(options.plan, json: options.json) { fleet in
            try await KillBench(fleet: fleet, input: input, limit: limit).run()
        }
    }
}
