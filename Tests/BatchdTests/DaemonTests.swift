// SPDX-License-Identifier: Apache-2.0
import BatchAPI
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import batchd

/// The assembled program, without a process of its own; the signals are replaced by calls.
@Suite(.serialized) struct DaemonTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs a standalone daemon, stops it as soon as it is ready, and returns what it announced.
    private func announcements(in directory: String) async throws -> [String] {
        var settings = Settings()
        settings.standalone.dataDirectory = directory
        settings.api.port = 0
        let control = StopControl(deadline: settings.shutdownDeadline, logger: Self.logger)
        let lines = Lines()
        let daemon = Daemon(
            settings: settings, environment: ProcessInfo.processInfo.environment, logger: Self.logger, control: control,
            announce: { line in
                lines.add(line)
                control.ask(reason: "test")
            })
        try await control.run { try await daemon.standalone() }
        return lines.all
    }

    @Test func `standalone announces itself once and has the same key at the next start`() async throws {
        try await withTemporaryDirectory { path in
            let pattern = /shardline ready url=http:\/\/127\.0\.0\.1:[0-9]+ key=(sk-shardline-[A-Za-z0-9_-]{43})/
            let first = try await announcements(in: path + "/data")
            let second = try await announcements(in: path + "/data")
            #expect(first.count == 1 && second.count == 1)
            let keys = (first + second).compactMap { $0.wholeMatch(of: pattern)?.output.1 }
            #expect(keys.count == 2)
            #expect(Set(keys).count == 1)
            let directory = try DataDirectory.open(path + "/data")
            #expect(ProcessTable(cluster: directory.cluster).processes.isEmpty)
            try DataDirectoryLock(directory).release()
        }
    }

    @Test func `a stop before the start is complete is no error and leaves nothing running`() async throws {
        try await withTemporaryDirectory { path in
            var settings = Settings()
            settings.standalone.dataDirectory = path
            let control = StopControl(deadline: settings.shutdownDeadline, logger: Self.logger)
            control.ask(reason: "test")
            let daemon = Daemon(
                settings: settings, environment: ProcessInfo.processInfo.environment, logger: Self.logger,
                control: control, announce: { _ in Issue.record("announced") })
            try await control.run { try await daemon.standalone() }
            let directory = try DataDirectory.open(path)
            #expect(ProcessTable(cluster: directory.cluster).processes.isEmpty)
        }
    }

    @Test func `a service that fails drains the others and is the error`() async throws {
        struct Broken: Error, Equatable {}
        let control = StopControl(deadline: .seconds(60), logger: Self.logger)
        let drained = Lines()
        let group = Assembly(settings: Settings(), logger: Self.logger).group(
            first: [],
            rooms: [
                ("steady", Steady(drained: drained)), ("broken", Failing(error: Broken())),
            ], control: control)
        await #expect(throws: Broken.self) { try await control.run { try await control.run(group) } }
        #expect(drained.all == ["drained"])
        #expect(control.isAsked && !control.hasLastResort, "the process would be ended although the program has")
    }

    @Test func `coordinator and worker without a database say what is missing`() async throws {
        let control = StopControl(deadline: .seconds(60), logger: Self.logger)
        var settings = Settings()
        settings.vaultDirectory = "vault"
        let daemon = Daemon(
            settings: settings, environment: [:], logger: Self.logger, control: control, announce: { _ in })
        let missing = await #expect(throws: SettingsError.self) { try await daemon.worker() }
        #expect(missing?.description.contains("SHARDLINE_DATABASE_URL") == true)
        await #expect(throws: SettingsError.self) { try await daemon.coordinator() }
    }

    @Test func `a database that is not there is named without its password, with an exit code of its own`() async throws
    {
        let control = StopControl(deadline: .seconds(60), logger: Self.logger)
        var settings = Settings()
        settings.database.url = "postgresql://me:s3cret@127.0.0.1:1/none"
        settings.database.startWait = .zero
        let daemon = Daemon(
            settings: settings, environment: [:], logger: Self.logger, control: control, announce: { _ in })
        let fault = await #expect(throws: ProgramFault.self) { try await daemon.worker() }
        #expect(fault?.exitCode == ExitCodes.unavailable)
        #expect(fault?.description.contains("postgresql://me:***@127.0.0.1:1/none") == true)
        #expect(fault?.description.contains("s3cret") == false)
    }

    @Test(arguments: [
        ("127.0.0.1", "http://127.0.0.1:1"), ("0.0.0.0", "http://127.0.0.1:1"), ("::1", "http://[::1]:1"),
        ("::", "http://[::1]:1"), ("box", "http://box:1"),
    ])
    func `the announced address can be reached`(host: String, url: String) {
        #expect(Daemon.url(host, 1) == url)
    }

    @Test func `log lines are for people or for programs`() {
        let fields = [("a", "plain"), ("b", "two \"words\"")]
        #expect(
            StandardErrorLog.plain("T", .info, "hello", fields) == #"T info    hello a=plain b="two \"words\"""#)
        #expect(
            StandardErrorLog.object("T", .info, "batchd", "hello", fields)
                == #"{"time":"T","level":"info","logger":"batchd","message":"hello","a":"plain","b":"two \"words\""}"#)
    }
}

/// Lines that arrive from several threads.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) {
        lines.withLock { $0.append(line) }
    }
}

/// Runs until graceful shutdown and says so.
private struct Steady: Service {
    let drained: Lines

    func run() async throws {
        try await gracefulShutdown()
        drained.add("drained")
    }
}

/// Fails at once.
private struct Failing: Service {
    let error: any Error

    func run() async throws { throw error }
}
