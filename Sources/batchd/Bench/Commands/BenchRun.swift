// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchClient
import BatchCore
import Glibc

/// Runs a bench from its options to its exit code, and takes its processes down whatever happens.
enum BenchRun {
    /// Runs `body` with a fleet and prints its report. SIGINT and SIGTERM end the bench in order.
    static func run(
        _ plan: BenchFleet.Plan, json: Bool, _ body: @escaping @Sendable (BenchFleet) async throws -> BenchReport
    ) async throws {
        try await reporting(json: json) { try await BenchFleet.with(plan, environment: $0, body) }
    }

    /// Runs `body`, which gets our environment, and prints its report. SIGINT and SIGTERM end the bench in order.
    static func reporting(
        json: Bool, _ body: @escaping @Sendable ([String: String]) async throws -> BenchReport
    ) async throws {
        ProcessLimits.prepare()
        // A terminal that closes must not leave the fleet without us: the bench goes on to its end.
        signal(SIGHUP, SIG_IGN)
        try await CommandRun.reporting {
            let environment = ProcessEnvironment.variables
            let task = Task { try await body(environment) }
            let signals = StopSignals(
                first: { name in
                    say("\(name): taking everything down")
                    task.cancel()
                },
                further: { _ in say("still taking everything down") })
            let report: BenchReport
            do {
                report = try await task.value
            } catch {
                if task.isCancelled { throw BenchFault("interrupted before the end: no figures") }
                guard let error = error as? ClientError else { throw error }
                throw BenchFault(error.message)
            }
            withExtendedLifetime(signals) {}
            StandardOutput.text(json ? report.json.text + "\n" : report.text)
            guard report.isGood else { throw ExitCode(ExitCodes.failure) }
        }
    }

    /// Tells on standard error what is being done.
    static func say(_ text: String) {
        StandardErrorLog.write("bench: \(text)\n")
    }
}
