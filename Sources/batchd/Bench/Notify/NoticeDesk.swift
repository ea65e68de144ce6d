// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore
import BatchWebhook
import FoundationEssentials
import Glibc
import Synchronization

/// The receivers of a campaign: what they answer, whom they kill for it, and what they find wrong.
final class NoticeDesk: Sendable {
    private let plan: NotifyCampaign.Plan
    private let keeper: CoordinatorKeeper
    private let findings: ChaosFindings
    private let shared: Shared
    /// The thread that listens.
    let receiver: NoticeReceiver

    /// What the receiver's thread and the campaign have in common.
    private final class Shared: Sendable {
        let log = NoticeLog()
        let checked = Atomic<Int>(0)
        let isCalm = Atomic<Bool>(false)
        let chooser: Mutex<ReplyChooser>
        let secrets = Mutex<[String: WebhookSecret]>([:])
        let firsts: AsyncStream<NoticeRequest>
        let first: AsyncStream<NoticeRequest>.Continuation

        init(seed: UInt64) {
            chooser = Mutex(ReplyChooser(seed: seed))
            (firsts, first) = AsyncStream.makeStream()
        }
    }

    /// Longest time for a look at a batch.
    private static let checkLimit = Duration.seconds(60)

    /// Receivers that choose their replies by the plan's seed.
    init(plan: NotifyCampaign.Plan, keeper: CoordinatorKeeper, findings: ChaosFindings) throws {
        self.plan = plan
        self.keeper = keeper
        self.findings = findings
        let shared = Shared(seed: plan.seed)
        self.shared = shared
        let victim = VictimFinder(keeper: keeper)
        receiver = try NoticeReceiver(
            judge: { notice in
                if shared.isCalm.load(ordering: .relaxed) { return .takes }
                let reply = shared.chooser.withLock { $0.next(for: notice.path) }
                guard reply == .killsSender || reply == .takesAndKillsSender else { return reply }
                // Looked for while the connection is surely there.
                return victim.find(notice) && keeper.killCount < plan.kills ? reply : .takes
            },
            afterReply: { notice, reply in
                switch reply {
                case .killsSender: victim.kill(.duringAttempt)
                case .takesAndKillsSender: victim.kill(.afterAnswer)
                default: break
                }
                let (isFirst, isSame) = shared.log.add(notice, reply)
                if isFirst { shared.first.yield(notice) }
                if !isSame { findings.violation("\(notice.id) has two different bodies") }
                let secret = shared.secrets.withLock { $0[notice.path] }
                if let secret, !notice.isSigned(with: secret) {
                    findings.violation("\(notice.id) came to \(notice.path) with a wrong signature")
                }
            })
        victim.receiverPort.store(Int(receiver.port), ordering: .relaxed)
    }

    /// Every attempt.
    var log: NoticeLog { shared.log }

    /// Batches that were looked at when their first attempt came.
    var checked: Int { shared.checked.load(ordering: .relaxed) }

    /// From now on everything is taken.
    func calm() { shared.isCalm.store(true, ordering: .relaxed) }

    /// No more first attempts come.
    func end() { shared.first.finish() }

    /// Registers every receiver.
    func register(until deadline: ContinuousClock.Instant) async throws {
        for number in 0..<plan.receivers {
            let (name, types) = ("receiver-\(number)", EventType.allCases.map(\.rawValue))
            let url = receiver.url(name)
            let endpoint = try await keeper.desk.ask("register \(name)", until: deadline) {
                client throws(ClientError) in
                try await client.createWebhookEndpoint(url: url, name: name, eventTypes: types).value
            }
            guard let secret = endpoint.signingSecret.flatMap({ WebhookSecret($0) }) else {
                throw BenchFault("\(name) was registered without a secret")
            }
            shared.secrets.withLock { $0["/\(name)"] = secret }
        }
    }

    /// Sends an input file that is run to its end and one that is refused.
    func upload(
        in directory: BenchDirectory, until deadline: ContinuousClock.Instant
    ) async throws -> (good: String, bad: String) {
        let input = try BenchInput(
            lines: 1, lineBytes: 160, endpoint: Endpoint.test.rawValue, model: Endpoint.testModel)
        try input.write(to: directory.input)
        try PlainFile.write("{}\n", to: directory.input + ".bad", permissions: 0o600)
        var ids: [String] = []
        for path in [directory.input, directory.input + ".bad"] {
            ids.append(
                try await keeper.desk.ask("upload \(path)", until: deadline) { client throws(ClientError) in
                    try await client.uploadFile(try LocalFile(path: path)).value.id
                })
        }
        return (ids[0], ids[1])
    }

    /// Looks at each batch as soon as the first attempt to tell of it comes, until ``end()``.
    func checkFirstAttempts(in directory: BenchDirectory) async throws {
        for await notice in shared.firsts {
            do {
                try await check(notice, directory)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                findings.violation("\(notice.id): \(error)")
            }
            shared.checked.add(1, ordering: .relaxed)
        }
    }

    /// The batch has ended as the notice says, and its results can be had.
    private func check(_ notice: NoticeRequest, _ directory: BenchDirectory) async throws {
        let event = try JSONDecoder().decode(WireEvent.self, from: Data(notice.body))
        guard event.id == notice.id, let id = event.data.id else {
            throw BenchFault("the body has another id, \(event.id)")
        }
        let deadline = ContinuousClock.now + Self.checkLimit
        let batch = try await keeper.desk.ask("look at \(id)", until: deadline) { client throws(ClientError) in
            try await client.batch(id).value
        }
        guard batch.isTerminal, event.type == "batch.\(batch.status)", event.data.status == batch.status,
            event.data.outputFileID == batch.outputFileID, event.data.errorFileID == batch.errorFileID
        else { throw BenchFault("\(event.type) came of \(id), which is \(batch.status)") }
        guard batch.knownStatus == .completed || batch.knownStatus == .failed else {
            throw BenchFault("\(id) is \(batch.status)")
        }
        guard (batch.outputFileID != nil) == (batch.knownStatus == .completed) else {
            throw BenchFault("\(id) is \(batch.status) and its output file \(batch.outputFileID ?? "not there")")
        }
        guard let file = batch.outputFileID else { return }
        let path = "\(directory.path)/\(file).jsonl"
        try await keeper.desk.ask("download \(file)", until: deadline) { client throws(ClientError) in
            let part = try PartFile(destination: path, fileID: file)
            try await client.downloadFile(file, to: part)
            try await part.finish()
        }
        let lines = DirectoryEntries.text(of: path)?.split(separator: "\n").count
        BenchDirectory.removeFile(path)
        guard lines == 1 else { throw BenchFault("\(file) has \(lines ?? 0) lines") }
    }
}

/// Finds the coordinator behind a connection and kills it; used by the receiver's thread.
private final class VictimFinder: Sendable {
    /// The receiver's own port, once it is known.
    let receiverPort = Atomic<Int>(0)
    private let keeper: CoordinatorKeeper
    private let found = Mutex<FleetMember?>(nil)

    init(keeper: CoordinatorKeeper) { self.keeper = keeper }

    /// Whether one of the coordinators sent the notice.
    func find(_ notice: NoticeRequest) -> Bool {
        let processes = keeper.processes
        let port = UInt16(truncatingIfNeeded: receiverPort.load(ordering: .relaxed))
        let pid = LoopbackPort.owner(of: notice.senderPort, to: port, among: Array(processes.values))
        let member = pid.flatMap { pid in processes.first { $0.value == pid }?.key }
        found.withLock { $0 = member }
        return member != nil
    }

    /// Kills the one that was found last.
    func kill(_ moment: CoordinatorKeeper.Moment) {
        if let member = found.withLock({ $0 }) { keeper.kill(member, moment) }
    }
}
