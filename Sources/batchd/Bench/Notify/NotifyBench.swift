// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore
import BatchStore
import Glibc
import Logging

/// How soon receivers hear of batches that end at once, without dead receivers and with many of them.
struct NotifyBench: Sendable {
    /// Batches that end at once.
    let batches: Int
    /// Receivers that are dead in the second measurement; 0: no second measurement.
    let dead: Int
    /// Coordinator processes.
    let coordinators: Int
    /// Longest time for one step.
    let limit: Duration

    /// Batches of which the dead receivers are told.
    static let deadBatches = 10
    /// Requests of the bench under way at once.
    private static let clients = 8
    /// Time between two looks.
    private static let pollEvery = Duration.milliseconds(20)
    /// The name of the receiver that lives.
    private static let live = "live"
    /// Lines end with this many bytes, so that uploading them costs nothing.
    private static let lineBytes = 160

    /// What the bench talks to.
    private struct Scene: Sendable {
        let fleet: BenchFleet
        let client: Client
        let store: Store
        let receiver: NoticeReceiver
        let log: NoticeLog
        let input: BenchInput
        let endpoint: String
    }

    /// Runs all of it.
    func run(in fleet: BenchFleet) async throws -> BenchReport {
        let before = MachineState.current
        let log = NoticeLog()
        let receiver = try NoticeReceiver(judge: { $0.path.hasPrefix("/dead") ? .keepsSilent : .takes }) {
            _ = $1.takesIt ? log.add($0, $1) : (false, false)
        }
        defer { receiver.stop() }
        let store = fleet.store()
        do {
            let figures = try await measure(fleet, store, receiver, log)
            await store.close()
            let surroundings = BenchSurroundings(before: before, after: .current, othersCores: nil)
            return NotifyReport(bench: self, figures: figures, surroundings: surroundings).report
        } catch {
            await store.close()
            throw error
        }
    }

    private func measure(
        _ fleet: BenchFleet, _ store: Store, _ receiver: NoticeReceiver, _ log: NoticeLog
    ) async throws -> NotifyReport.Figures {
        for index in 1..<coordinators { try await fleet.startCoordinator(index) }
        let client = try await fleet.startCoordinator()
        let endpoint = try await client.createWebhookEndpoint(
            url: receiver.url(Self.live), name: Self.live, eventTypes: EventType.allCases.map(\.rawValue)
        ).value.id
        let input = try BenchInput(
            lines: 1, lineBytes: Self.lineBytes, endpoint: Endpoint.test.rawValue, model: Endpoint.testModel)
        try input.write(to: fleet.directory.input)
        let scene = Scene(
            fleet: fleet, client: client, store: store, receiver: receiver, log: log, input: input, endpoint: endpoint)
        // Connections, plans and caches are as cold as after a start; a service is not just started.
        _ = try await ending(of: min(batches, 50), scene)
        let alone = try await ending(of: batches, scene)
        let rate = try await replay(scene)
        guard dead > 0 else { return NotifyReport.Figures(alone: alone, rate: rate, dead: nil) }
        let project = try await store.ensureProject(name: "dead")
        try await bury(project, scene)
        let attemptsBefore = try await store.deliveryTotals(project: project).attempts
        let beside = try await ending(of: batches, scene)
        let totals = try await store.deliveryTotals(project: project)
        guard totals.deliveries[.delivered] == nil else { throw BenchFault("a dead receiver took something") }
        let silent = dead / 2
        let receivers = DeadReceivers(
            refusing: dead - silent, silent: silent, deliveries: totals.deliveries.values.reduce(0, +),
            attemptsBefore: attemptsBefore, attemptsAfter: totals.attempts)
        return NotifyReport.Figures(alone: alone, rate: rate, dead: (receivers, beside))
    }

    /// Batches of one line wait for a worker, which then ends them all.
    private func ending(of count: Int, _ scene: Scene) async throws -> NotifyLatency {
        BenchRun.say("\(FigureText.count(count)) batches of one line")
        scene.log.clear()
        let known = Set(try await scene.store.eventMoments().map(\.id))
        let ids = try await create(count, scene.client, scene.fleet.directory, scene.input)
        for id in ids {
            _ = try await BatchFollower(
                client: scene.client, id: id, pollEvery: Self.pollEvery, deadline: .now + limit
            ).until { $0.progressRank >= 1 }
        }
        try await scene.fleet.startWorker()
        try await wait("\(count) events at the live receiver") { scene.log.eventsTaken(by: 1) >= count }
        _ = try await scene.fleet.stopWorker()
        let mine = Set(ids)
        let events = try await scene.store.eventMoments()
            .filter { !known.contains($0.id) && mine.contains($0.batch.rawValue) }
        let moments = Dictionary(events.map { ($0.id.rawValue, $0.at) }) { first, _ in first }
        let attempts = scene.log.firstAttempts(at: "/" + Self.live)
        let repeated = scene.log.count - attempts.count
        guard repeated == 0 else { throw BenchFault("\(repeated) events were sent again although they were taken") }
        guard Set(attempts.keys) == Set(moments.keys), moments.count == count,
            let latency = NotifyLatency(events: moments, attempts: attempts)
        else {
            throw BenchFault(
                "\(count) batches made \(moments.count) events, of which \(attempts.count) came to the receiver")
        }
        return latency
    }

    /// Everything that the live receiver was ever sent is sent again at once.
    private func replay(_ scene: Scene) async throws -> NotifyRate {
        BenchRun.say("everything once more")
        scene.log.clear()
        let begin = WallClock.now()
        let order = ReplayOrder(endpointID: scene.endpoint, since: 0, status: "all")
        let count = Int(try await scene.client.replayDeliveries(order).value.replayed)
        try await wait("\(count) deliveries") { scene.log.eventsTaken(by: 1) >= count }
        let last = scene.log.attempts.map(\.at).max() ?? begin
        return NotifyRate(deliveries: count, time: .microseconds(last - begin))
    }

    /// Registers the dead receivers in a project of their own and gives each something that it will not take.
    private func bury(_ project: ProjectID, _ scene: Scene) async throws {
        BenchRun.say("\(FigureText.count(dead)) dead receivers")
        let client = try await scene.fleet.client(of: project, in: scene.store, at: scene.client.address)
        // Taken and not listened on for the rest of this process: nobody else can get it.
        let refusing = LoopbackPort.number(of: try LoopbackPort.bound())
        let (dead, types) = (dead, EventType.allCases.map(\.rawValue))
        try await concurrently(dead) { number in
            let isSilent = number % 2 == 1
            _ = try await client.createWebhookEndpoint(
                url: isSilent ? scene.receiver.url("dead/\(number)") : "http://127.0.0.1:\(refusing)/\(number)",
                name: "dead \(number)", eventTypes: types)
        }
        let ids = try await create(Self.deadBatches, client, scene.fleet.directory, scene.input)
        try await scene.fleet.startWorker()
        for id in ids {
            _ = try await BatchFollower(
                client: client, id: id, pollEvery: Self.pollEvery, deadline: .now + limit
            ).until { $0.isTerminal }
        }
        _ = try await scene.fleet.stopWorker()
        let store = scene.store
        try await wait("an attempt to each of the \(dead) dead receivers") {
            try await store.deliveryTotals(project: project).attempts >= dead
        }
    }

    private func create(
        _ count: Int, _ client: Client, _ directory: BenchDirectory, _ input: BenchInput
    ) async throws -> [String] {
        let file = try await client.uploadFile(try LocalFile(path: directory.input)).value.id
        let order = BatchOrder(inputFileID: file, endpoint: input.endpoint, window: "24h")
        return try await concurrently(count) { _ in try await client.createBatch(order).value.id }
    }

    @discardableResult
    private func concurrently<Value: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (Int) async throws -> Value
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: [Value].self) { group in
            for lane in 0..<Self.clients {
                group.addTask {
                    var values: [Value] = []
                    for number in stride(from: lane, to: count, by: Self.clients) {
                        values.append(try await body(number))
                    }
                    return values
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    private func wait(_ what: String, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + limit
        while try await !condition() {
            guard ContinuousClock.now < deadline else { throw BenchFault("in \(limit) there were not: \(what)") }
            try await Task.sleep(for: Self.pollEvery)
        }
    }
}

extension BenchFleet {
    /// The fleet's database, to be closed by the caller.
    func store() -> Store {
        Assembly(settings: Settings(), logger: StandardErrorLog.logger("bench", LogSettings(level: .warning)))
            .store(url: cluster.connectionString)
    }

    /// A client with a key of its own for a project.
    func client(of project: ProjectID, in store: Store, at address: ServerAddress) async throws -> Client {
        let key = ProjectKey.random()
        try await store.insertAPIKey(project: project, sha256: key.sha256, prefix: key.shownPrefix, name: "bench")
        return client(at: address, key: key)
    }
}
