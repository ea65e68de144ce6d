// SPDX-License-Identifier: Apache-2.0
import BatchStore
import Foundation
import Logging
import Loops
import ServiceLifecycle
import Testing

@testable import batchd

/// Real clusters in fresh directories; needs the PostgreSQL server programs.
@Suite(.serialized) struct PrivateClusterTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func start(_ directory: DataDirectory, logger: Logger = logger) async throws -> PrivateCluster {
        try await PrivateCluster.start(
            directory, programs: "", environment: ProcessInfo.processInfo.environment, logger: logger)
    }

    private func isAnswering(_ cluster: PrivateCluster) async throws -> Bool {
        let assembly = Assembly(settings: Settings(), logger: Self.logger)
        let store = assembly.store(url: cluster.connectionString)
        try await store.ping()
        await store.close()
        return true
    }

    @Test func `a cluster is made once, answers, stops, and starts again`() async throws {
        try await withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path + "/a b'c/data")
            let cluster = try await start(directory)
            #expect(try await isAnswering(cluster))
            let first = try #require(cluster.serverProcess)
            // A session of its own: Ctrl-C in a terminal does not reach it.
            #expect(getsid(first) == first)
            await cluster.stop()
            #expect(cluster.serverProcess == nil)
            #expect(DirectoryEntries.status(directory.cluster + "/postmaster.pid") == nil)
            let again = try await start(directory)
            #expect(try await isAnswering(again))
            await again.stop()
        }
    }

    @Test func `only the cluster's folder changes hands, and nobody else may look into it`() async throws {
        try await withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path + "/data")
            let cluster = try await start(directory)
            await cluster.stop()
            let whole = try #require(DirectoryEntries.status(directory.path))
            let own = try #require(DirectoryEntries.status(directory.postgres))
            #expect(whole.owner == geteuid())
            #expect(own.permissions == 0o700)
            #expect(own.owner == (try ServerUser.choose(for: directory)).uid)
        }
    }

    @Test func `a path too long for a socket gets a private directory elsewhere, the same one each time`() async throws
    {
        try await withTemporaryDirectory { path in
            let long = path + "/" + String(repeating: "long", count: 25)
            let directory = try DataDirectory.open(long)
            #expect(!SocketDirectory.fits(directory.postgres))
            let cluster = try await start(directory)
            let place = try #require(SocketDirectory.current(directory))
            #expect(try await isAnswering(cluster))
            #expect(DirectoryEntries.status(place)?.permissions == 0o700)
            await cluster.stop()
            let again = try await start(directory)
            #expect(SocketDirectory.current(directory) == place)
            await again.stop()
            try FileManager.default.removeItem(atPath: place)
        }
    }

    @Test func `a server left by a killed daemon is stopped and replaced`() async throws {
        try await withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path)
            let left = try await start(directory)
            let pid = try #require(left.serverProcess)
            let cluster = try await start(directory)
            #expect(left.serverProcess == nil)
            #expect(cluster.serverProcess != pid)
            #expect(try await isAnswering(cluster))
            await cluster.stop()
        }
    }

    @Test func `a cluster that was killed with its server recovers`() async throws {
        try await withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path)
            let killed = try await start(directory)
            kill(try #require(killed.serverProcess), SIGKILL)
            let cluster = try await start(directory)
            #expect(try await isAnswering(cluster))
            await cluster.stop()
        }
    }

    @Test func `a stale lock file whose process id lives on as another program is no obstacle`() async throws {
        try await withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path)
            let first = try await start(directory)
            let lock = try #require(DirectoryEntries.text(of: directory.cluster + "/postmaster.pid"))
            await first.stop()
            let user = try ServerUser.choose(for: directory)
            let stale = "\(getpid())" + lock.drop { $0 != "\n" }
            try PlainFile.write(
                stale, to: directory.cluster + "/postmaster.pid", permissions: 0o600, owner: user)
            let cluster = try await start(directory)
            #expect(try await isAnswering(cluster))
            await cluster.stop()
        }
    }

    @Test func `an initdb that was killed halfway is done again`() async throws {
        try await withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path)
            try DataDirectory.make(directory.unfinishedCluster + "/base")
            let user = try ServerUser.choose(for: directory)
            for folder in [directory.unfinishedCluster, directory.unfinishedCluster + "/base"] {
                #expect(chown(folder, user.uid, user.gid) == 0)
            }
            let cluster = try await start(directory)
            #expect(try await isAnswering(cluster))
            #expect(DirectoryEntries.status(directory.unfinishedCluster) == nil)
            await cluster.stop()
        }
    }

    @Test func `a server that dies is started again, and stops with the group`() async throws {
        try await withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path)
            let restarted = StopFlag()
            let cluster = try await start(
                directory,
                logger: Logger(label: "test") { _ in RaisingLog(message: "PostgreSQL runs again", flag: restarted) })
            let first = try #require(cluster.serverProcess)
            let group = ServiceGroup(services: [cluster], logger: Self.logger)
            let running = Task { try await group.run() }
            kill(first, SIGKILL)
            await restarted.wait(upTo: .seconds(60))
            #expect(cluster.serverProcess != nil && cluster.serverProcess != first)
            #expect(try await isAnswering(cluster))
            await group.triggerGracefulShutdown()
            try await running.value
            #expect(cluster.serverProcess == nil)
            #expect(ProcessTable(cluster: directory.cluster).processes.isEmpty)
        }
    }

    @Test func `cancellation stops the server too`() async throws {
        try await withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path)
            let cluster = try await start(directory)
            let running = Task { try await cluster.run() }
            running.cancel()
            try await running.value
            #expect(cluster.serverProcess == nil)
        }
    }

    @Test func `a start that is cancelled leaves no server`() async throws {
        try await withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path)
            let starting = Task { try await start(directory) }
            starting.cancel()
            await #expect(throws: CancellationError.self) { try await starting.value }
            #expect(ProcessTable(cluster: directory.cluster).processes.isEmpty)
            let cluster = try await start(directory)
            #expect(try await isAnswering(cluster))
            await cluster.stop()
        }
    }

    @Test func `an initdb that is cancelled halfway is done again`() async throws {
        try await withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path)
            let begun = StopFlag()
            let logger = Logger(label: "test") { _ in
                RaisingLog(message: "making a private PostgreSQL cluster", flag: begun)
            }
            let starting = Task { try await start(directory, logger: logger) }
            await begun.wait(upTo: .seconds(60))
            starting.cancel()
            await #expect(throws: CancellationError.self) { try await starting.value }
            let cluster = try await start(directory)
            #expect(try await isAnswering(cluster))
            await cluster.stop()
        }
    }
}

/// Raises a flag when a certain message is logged.
private struct RaisingLog: LogHandler {
    let message: String
    let flag: StopFlag
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        if event.message.description == message { flag.raise() }
    }
}
