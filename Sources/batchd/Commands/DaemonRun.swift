// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Logging

/// Runs a long-running subcommand from its flags to its exit code.
enum DaemonRun {
    /// Reads the settings, takes the signals over, runs `role` and ends with its exit code.
    static func run(_ flags: SettingFlags, _ role: @escaping @Sendable (Daemon) async throws -> Void) async throws {
        ProcessLimits.prepare()
        try await CommandRun.reporting {
            let environment = ProcessEnvironment.variables
            let resolved = try ResolvedSettings(flags: try flags.given, environment: environment)
            let logger = StandardErrorLog.logger("batchd", resolved.settings.log)
            for suspect in resolved.suspects { logger.warning("\(suspect)") }
            let control = StopControl(deadline: resolved.settings.shutdownDeadline, logger: logger)
            let signals = StopSignals(
                first: { control.ask(reason: $0) }, further: { control.force(reason: $0) })
            let daemon = Daemon(
                settings: resolved.settings, environment: environment, logger: logger, control: control,
                announce: { line in
                    StandardOutput.line(line)
                    logger.notice("ready", metadata: ["line": "\(PasswordMask.withoutKey(line))"])
                })
            try await control.run { try await role(daemon) }
            withExtendedLifetime(signals) {}
            logger.info("stopped")
        }
    }
}

/// What all subcommands have in common.
enum CommandRun {
    /// Runs `body`; an error is written as one `error: …` to standard error and becomes the exit code.
    static func reporting(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let exit as ExitCode {
            throw exit
        } catch let error as ValidationError {
            throw error
        } catch {
            StandardErrorLog.write("error: \(error)\n")
            throw ExitCode(ExitCodes.code(for: error))
        }
    }

    /// The settings, for commands that run once.
    static func settings(_ flags: SettingFlags) throws -> (resolved: ResolvedSettings, logger: Logger) {
        let resolved = try ResolvedSettings(flags: try flags.given, environment: ProcessEnvironment.variables)
        var log = resolved.settings.log
        // A command's answer is its output; the log of its connections is of no interest unless asked for.
        if resolved.sources["log.level"] == nil { log.level = .error }
        return (resolved, StandardErrorLog.logger("batchd", log))
    }

    /// The configured database, else the one of a standalone batchd that runs in the data directory.
    static func databaseURL(_ settings: Settings) throws -> String {
        if !settings.database.url.isEmpty { return settings.database.url }
        guard let directory = DataDirectory.existing(settings.standalone.dataDirectory),
            let url = PrivateCluster.connectionString(in: directory)
        else { throw Daemon.noDatabase }
        return url
    }
}
