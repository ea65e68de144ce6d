// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc

/// `batchd bench backend`.
struct BenchBackendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backend",
        abstract: "Serve made-up chat completions on loopback, with latency, slots and failures as asked for.",
        discussion: """
            Prints one line when it can serve: shardline backend ready url=http://127.0.0.1:PORT/v1
            GET /stats tells the counters; POST /cut resets every other connection. Ends with whoever started it.
            """,
        shouldDisplay: false)

    /// Time from a request to its answer.
    @Option(help: "Time from a request to its answer: 200ms, or a range such as 2s-10s.")
    var latency = "0"

    /// Calls answered at the same time.
    @Option(help: "Calls answered at the same time; others get 429 at once. 0: no limit.")
    var slots = 0

    /// Seconds of `Retry-After` in a 429.
    @Option(help: "Seconds of Retry-After in a 429.")
    var retryAfter: Int?

    /// Share of calls that fail.
    @Option(help: "Share of calls answered 500, 0…1.")
    var failRatio = 0.0

    /// Decides which.
    @Option(help: "Decides which calls fail and how long each takes.")
    var seed: UInt64 = 1

    /// Where calls are recorded.
    @Option(help: "File that gets one line per call: tag, line, began, ended (µs), status, caller.")
    var log: String?

    /// TCP port.
    @Option(help: "TCP port on loopback; 0 takes a free one.")
    var port = 0

    /// Refuses what cannot be used.
    func validate() throws {
        _ = try plan
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        ProcessLimits.prepare()
        let (plan, parent) = (try plan, getppid())
        try await CommandRun.reporting {
            try await BlockingWork.run {
                let server = try BackendServer(plan)
                StandardOutput.line("\(BenchBackend.readyLine)http://127.0.0.1:\(server.port)/v1")
                try server.run(parent: parent)
            }
        }
    }

    private var plan: BackendPlan {
        get throws {
            guard (0...1).contains(failRatio) else { throw ValidationError("--fail-ratio must be 0…1") }
            guard (0...65_535).contains(port) else { throw ValidationError("--port must be 0…65535") }
            guard slots >= 0, retryAfter ?? 0 >= 0 else {
                throw ValidationError("--slots and --retry-after must not be negative")
            }
            return BackendPlan(
                latency: try BenchOptions.usable("--latency \(latency)") { try BackendPlan.latency(latency) },
                slots: slots > 0 ? slots : nil, retryAfter: retryAfter, failRatio: failRatio, seed: seed, logPath: log,
                port: port)
        }
    }
}
