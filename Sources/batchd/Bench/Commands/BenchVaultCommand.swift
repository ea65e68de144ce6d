// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `batchd bench vault`.
struct BenchVaultCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vault",
        abstract: "Write and read a file in the bucket of vault.s3, next to curl with presigned URLs.",
        discussion: """
            Each round writes the file through the vault and reads it back, and sends and fetches the same bytes with \
            the curl program; what it wrote is removed. Name the store with --set vault.s3.bucket=… and its other \
            settings, or with --config. Exit code 0 when all bytes came back as they were.
            """)

    /// Size of the file.
    @Option(help: "Size of the file in MiB.")
    var mebibytes = 256

    /// How many rounds.
    @Option(help: "Rounds; the middle one counts.")
    var rounds = 5

    /// The program.
    @Option(help: "The curl program.")
    var curl = "curl"

    /// Whether the report is JSON.
    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    /// The flags of the settings.
    @OptionGroup var flags: SettingFlags

    /// Refuses what cannot be used.
    func validate() throws {
        guard (1...8_192).contains(mebibytes) else { throw ValidationError("--mebibytes must be 1…8192") }
        guard (1...1_000).contains(rounds) else { throw ValidationError("--rounds must be 1…1000") }
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        let (mebibytes, rounds, curl) = (mebibytes, rounds, curl)
        let flags = flags
        let given = try flags.given
        try await BenchRun.reporting(json: json) { environment in
            let resolved = try ResolvedSettings(flags: given, environment: environment)
            let bench = VaultBench(
                store: resolved.settings.vaultStore, bytes: mebibytes << 20, rounds: rounds, curl: curl,
                parent: environment["TMPDIR"] ?? "/tmp")
            return try await bench.run()
        }
    }
}
