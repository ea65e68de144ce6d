// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchCore

/// `batchd bench memory`.
struct BenchMemoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory",
        abstract: "The largest resident set of every process while a large batch goes through everything.",
        discussion: "Exit code 0 when every process stayed under 256 MiB, 1 when one did not.")

    /// Lines of the batch.
    @Option(help: "Lines of the batch.")
    var lines = 1_000_000

    /// Size of the input file, with its unit.
    @Option(help: "Bytes of the input file, such as 1GiB.")
    var bytes = "1GiB"

    /// What all benches can be told.
    @OptionGroup var options: BenchOptions

    /// Refuses what cannot be used.
    func validate() throws {
        _ = try (options.batchLimit, input)
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        let bench = MemoryBench(input: try input, limit: try options.batchLimit)
        try await BenchRun.run(options.plan, json: options.json) { try await bench.run(in: $0) }
    }

    private var input: BenchInput {
        get throws {
            try BenchOptions.usable("--lines \(lines) --bytes \(bytes)") {
                try BenchInput(
                    lines: lines, bytes: Int(try SettingText.bytes(bytes)), endpoint: Endpoint.test.rawValue,
                    model: Endpoint.testModel)
            }
        }
    }
}
