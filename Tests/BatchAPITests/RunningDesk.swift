// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchCore
import BatchFiles
import BatchStore
import BatchWebhook
import Crypto
import Curl
import Dispatch
import Foundation
import Logging
import Postgres
import PostgresTesting
import Sealing
import ServiceLifecycle
import Synchronization

@testable import BatchAPI

/// A server on a port of its own, over a fresh database of the private PostgreSQL and a vault in a temporary folder.
final class RunningDesk: Sendable {
    let port: Int
    let store: Store
    let project: ProjectID
    let vault: DirectoryVault
    let server: APIServer
    let log = LogBook()
    /// A key of ``project``.
    let key = "sk-test-0123456789abcdef"
    /// What the server seals secrets with, if it can.
    let sealingKey: SealingKey?
    private let group: ServiceGroup
    private let running: Task<Void, any Error>

    /// What a request says about who sends it.
    enum Key {
        case own
        case of(String)
        case none
    }

    /// Starts the server; `change` adjusts its settings, `postgres` may be a cluster that the test stops.
    static func start(
        postgres: PrivatePostgres? = nil, limits: Limits = Limits(), models: [String] = ["tiny", "Org/Model"],
        hasSealingKey: Bool = true, live: any LiveAnswering = ScriptedLane(),
        _ change: (inout APIConfiguration) -> Void = { _ in }
    ) async throws -> RunningDesk {
        var configuration = APIConfiguration()
        configuration.port = 0
        change(&configuration)
        return try await RunningDesk(
            postgres: try postgres ?? PrivatePostgres.shared(), limits: limits, models: models,
            configuration: configuration, hasSealingKey: hasSealingKey, live: live)
    }

    private init(
        postgres: PrivatePostgres, limits: Limits, models: [String], configuration: APIConfiguration,
        hasSealingKey: Bool, live: any LiveAnswering
    ) async throws {
        let log = self.log
        let logger = Logger(label: "desk") { _ in LogBookHandler(book: log) }
        let pool = PoolConfiguration(
            url: try postgres.createDatabase(), connectTimeout: .seconds(2), acquireTimeout: .seconds(2))
        store = Store(configuration: pool, logger: Logger(label: "store"))
        _ = try await store.migrate()
        project = try await store.ensureProject(name: "ours")
        let folder = FileManager.default.temporaryDirectory.path + "/desk-\(UUID().uuidString)"
        vault = try DirectoryVault(path: folder)
        sealingKey = hasSealingKey ? SealingKey(SealingKey.randomText()) : nil
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        server = APIServer(
            configuration: configuration, store: store, vault: vault,
            receiver: FileReceiver(store: store, vault: vault, limits: limits), models: models, limits: limits,
            held: HeldRequests(
                desk: live, wait: .seconds(72 * 3_600), heldMax: 1_000,
                modelIsKnown: { models.contains($0) || $0 == Endpoint.testModel }),
            tester: EndpointTester(
                sender: WebhookSender(
                    engines: [CurlEngine(EngineConfiguration(), logger: nil)], timeout: .seconds(5),
                    tenantRule: .publicOnly(allowing: try AddressAllowList(parsing: "127.0.0.1")))),
            sealingKey: sealingKey, logger: logger
        ) { port in found.yield(port) }
        let group = ServiceGroup(configuration: .init(services: [server], logger: Logger(label: "group")))
        self.group = group
        running = Task { try await group.run() }
        var iterator = ports.makeAsyncIterator()
        port = await iterator.next() ?? 0
        try await addKey(key, to: project)
    }

    /// Makes `key` open `project`.
    func addKey(_ key: String, to project: ProjectID) async throws {
        try await store.insertAPIKey(
            project: project, sha256: Array(SHA256.hash(data: Array(key.utf8))), prefix: String(key.prefix(7)),
            name: "t")
    }

    /// Makes an access key with that secret sign for `project`.
    func addAccessKey(_ id: String, secret: String, to project: ProjectID) async throws {
        let sealed = try sealingKey?.seal(
            Array(secret.utf8), context: AccessKey.context(project: project, id: id))
        let key = AccessKey(id: id, project: project, secret: sealed ?? [])
        guard try await store.insertAccessKey(key, name: "t") else { throw RawFault(description: "\(id) is taken") }
    }

    /// Tells the server to stop; returns when it has.
    func stop() async throws {
        await group.triggerGracefulShutdown()
        try await running.value
        await store.close()
        try FileManager.default.removeItem(atPath: vault.path)
    }

    /// Asks the server to stop without waiting for it.
    func beginStop() async {
        await group.triggerGracefulShutdown()
    }

    /// Blobs of the vault: sealed ones, and ones being written.
    func blobs() throws -> (sealed: Int, incoming: Int) {
        let files = FileManager.default
        let sealed = try files.subpathsOfDirectory(atPath: vault.path + "/blobs").filter { $0.contains("/") }
        return (sealed.count, try files.contentsOfDirectory(atPath: vault.path + "/incoming").count)
    }

    /// One request on a connection of its own.
    func send(
        _ method: String, _ path: String, headers: [String] = [], body: [UInt8]? = nil, key: Key = .own
    ) async throws -> RawResponse {
        let connection = try await RawConnection(port: port)
        try await connection.send(request(method, path, headers: headers, body: body, key: key))
        return try await connection.receive(isHead: method == "HEAD")
    }

    /// The bytes of a request with the usual headers.
    func request(
        _ method: String, _ path: String, headers: [String] = [], body: [UInt8]? = nil, key: Key = .own
    ) -> [UInt8] {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: localhost"] + headers
        switch key {
        case .own: lines.append("Authorization: Bearer \(self.key)")
        case .of(let other): lines.append("Authorization: Bearer \(other)")
        case .none: break
        }
        if let body { lines.append("Content-Length: \(body.count)") }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (body ?? [])
    }

    /// Uploads `content` as a batch input and returns its id.
    func upload(_ content: [UInt8], filename: String = "in.jsonl", key: Key = .own) async throws -> String {
        let form = Form([("purpose", nil, Array("batch".utf8)), ("file", filename, content)])
        let response = try await send("POST", "/v1/files", headers: [form.header], body: form.body, key: key)
        return response.text("id") ?? "no id: \(response.bodyText)"
    }
}

/// A multipart form.
struct Form {
    let header = "Content-Type: multipart/form-data; boundary=frontier"
    let body: [UInt8]

    init(_ parts: [(name: String, filename: String?, content: [UInt8])], isClosed: Bool = true) {
        var body: [UInt8] = []
        for part in parts {
            let filename = part.filename.map { "; filename=\"\($0)\"" } ?? ""
            body += Array("--frontier\r\nContent-Disposition: form-data; name=\"\(part.name)\"\(filename)\r\n\r\n".utf8)
            body += part.content + Array("\r\n".utf8)
        }
        self.body = body + (isClosed ? Array("--frontier--\r\n".utf8) : [])
    }
}

/// Keeps what was logged, and wakes who waits for a line.
final class LogBook: Sendable {
    private struct State {
        var lines: [String] = []
        var waiters: [(text: String, signal: AsyncStream<String>.Continuation)] = []
    }

    private let state = Mutex(State())

    /// Everything logged so far, one entry per line.
    var all: [String] { state.withLock { $0.lines } }

    func add(_ line: String) {
        state.withLock { state in
            state.lines.append(line)
            for waiter in state.waiters where line.contains(waiter.text) { waiter.signal.yield(line) }
        }
    }

    /// The first line that contains `text`, logged already or within 20 s; nil when there is none.
    func wait(for text: String) async -> String? {
        let (found, signal) = AsyncStream.makeStream(of: String.self)
        state.withLock { state in
            if let line = state.lines.first(where: { $0.contains(text) }) { signal.yield(line) }
            state.waiters.append((text, signal))
        }
        DispatchQueue.global().asyncAfter(deadline: .now() + 20) { signal.finish() }
        return await found.first { _ in true }
    }
}

/// Writes into a ``LogBook``.
struct LogBookHandler: LogHandler {
    let book: LogBook
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let pairs = all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        book.add(([event.level.rawValue, event.message.description] + pairs).joined(separator: " "))
    }
}
