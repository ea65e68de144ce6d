// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import Testing

@testable import BatchWorker

/// Shards whose lines go different ways.
struct MixedShardTests {
    private let now = ContinuousClock.now

    /// The frame of a shard whose lines ask for these models in turn.
    private static func pack(_ models: [String], url: String = "/v1/x") throws -> [UInt8] {
        var builder = LinePackBuilder(linesMax: models.count, bytesMax: .max)
        let rules = LineRules(endpoint: "*", allowed: try EndpointList(parsing: url), knowsModel: { _ in true })
        var validator = FileValidator(rules: rules, limits: FileLimits(), key: HashKey(low: 0, high: 0)) { _, _ in [] }
        let lines = models.enumerated().map { index, model in
            #"{"custom_id":"\#(index)","method":"POST","url":"\#(url)","#
                + #""body":{"model":"\#(model)","file_url":"data:,"}}"#
        }
        let accept: FileValidator.Accept = { line, text in
            builder.append(line, text, route: LineRoute(url: url, model: line.model ?? ""))
        }
        try Array(lines.joined(separator: "\n").utf8).withUnsafeBytes { try validator.feed($0, accept: accept) }
        #expect(try validator.finish(accept: accept).problems.isEmpty)
        return builder.finish()
    }

    private func claim(_ models: [String], url: String = "/v1/x", done: [Int] = []) throws -> ClaimedShard {
        var claim = ShardSamples.claim(lines: models.count, done: done, model: "", endpoint: "*")
        claim.pack = try Self.pack(models, url: url)
        return claim
    }

    private func add(_ claim: ClaimedShard, _ backends: BackendSet, to queue: inout LineQueue) throws -> Int {
        let lines = try PackedLines(claim.pack)
        let routes = try lines.routes.map { try #require(backends.route(model: $0.model, endpoint: $0.url)) }
        return queue.add(claim, routes: routes, lines: lines, claimedAt: now)
    }

    @Test func `lines whose backend is full do not idle those of another`() throws {
        let backends = try ShardSamples.backends("m", "n", concurrency: 2)
        var queue = LineQueue(trust: .seconds(7))
        let serial = try add(try claim(["m", "m", "m", "n", "m", "n", "n"]), backends, to: &queue)
        var started: [LineQueue.Started] = []
        while let next = queue.take(at: now) { started.append(next) }
        #expect(started.map(\.line.ordinal) == [0, 1, 3, 5])
        #expect(queue.startable == 3 && queue.inFlight == 4 && queue.unfinished == 7)
        // Only the route that has room again goes on.
        started[2].place.cancel()
        let isFinished = queue.finish(serial: serial, ordinal: 3)
        #expect(isFinished)
        started += [queue.take(at: now), queue.take(at: now)].compactMap(\.self)
        #expect(started.map(\.line.ordinal) == [0, 1, 3, 5, 6])
        let leading = queue.startable { $0.backends.first?.configuration.name == "m" }
        #expect(leading == 2 && queue.startable == 2)
    }

    @Test func `a line that failed waits and starts again on its own way`() throws {
        let backends = try ShardSamples.backends("m", "n", concurrency: 2)
        var queue = LineQueue(trust: .seconds(7))
        let serial = try add(try claim(["m", "n"]), backends, to: &queue)
        let started = [queue.take(at: now), queue.take(at: now)].compactMap(\.self)
        #expect(started.map(\.line.ordinal) == [0, 1])
        let second = try #require(started.last)
        second.place.cancel()
        let order = RetryOrder(after: .seconds(1), because: "x", stop: 0)
        queue.postpone(serial: serial, second.line.next(order), until: now + .seconds(1))
        let early = queue.take(at: now)
        #expect(early == nil)
        _ = queue.tick(at: now + .seconds(1))
        let due = queue.take(at: now + .seconds(1))
        let again = try #require(due)
        #expect(again.line.ordinal == 1 && again.line.attempt == 2 && again.line.lastError == "x")
    }

    @Test(arguments: 0..<40) func `however lines start, fail, end and are given away, each is done once`(
        seed: UInt64
    ) throws {
        var generator = SplitMix(state: seed)
        let count = Int.random(in: 1...60, using: &generator)
        let models = (0..<count).map { _ in ["m", "n", "o"].randomElement(using: &generator) ?? "m" }
        let done = (0..<count).filter { _ in Int.random(in: 0..<5, using: &generator) == 0 }
        let backends = try ShardSamples.backends("m", "n", "o", concurrency: 4)
        var queue = LineQueue(trust: .seconds(7))
        let serial = try add(try claim(models, done: done), backends, to: &queue)
        var seen = Set(done)
        var moved: Set<Int> = []
        var flying: [LineQueue.Started] = []
        for _ in 0..<1_000 where queue.unfinished > 0 {
            switch Int.random(in: 0..<5, using: &generator) {
            case 0, 1: if let next = queue.take(at: now) { flying.append(next) }
            case 2:
                guard let index = flying.indices.randomElement(using: &generator) else { continue }
                let call = flying.remove(at: index)
                call.place.cancel()
                let isFinished = queue.finish(serial: serial, ordinal: call.line.ordinal)
                #expect(isFinished)
                #expect(seen.insert(call.line.ordinal).inserted, "line \(call.line.ordinal) twice")
            case 3:
                guard let index = flying.indices.randomElement(using: &generator) else { continue }
                let call = flying.remove(at: index)
                call.place.cancel()
                queue.undo(serial: serial, call.line)
            default:
                guard let division = queue.share(keeping: 0, except: [], at: now) else { continue }
                for line in 0..<count where division.after.contains(line) && !division.before.contains(line) {
                    #expect(moved.insert(line).inserted && !seen.contains(line))
                    #expect(!flying.contains { $0.line.ordinal == line })
                }
            }
        }
        while queue.unfinished > 0 {
            while let next = queue.take(at: now) { flying.append(next) }
            let last = flying.popLast()
            let call = try #require(last)
            call.place.cancel()
            let isFinished = queue.finish(serial: serial, ordinal: call.line.ordinal)
            #expect(isFinished)
            #expect(seen.insert(call.line.ordinal).inserted)
        }
        #expect(seen.isDisjoint(with: moved) && seen.union(moved) == Set(0..<count))
        #expect(queue.startable == 0 && queue.inFlight == 0)
    }

    @Test func `audio lines wait for room for their files, others do not`() throws {
        let backends = try ShardSamples.backends("m", "n")
        let caller = LineCaller(
            engines: CallEngines(connections: 1, userAgent: "test", logger: nil), worker: WorkerID(rawValue: "w"),
            audio: AudioRules(fileBytesMax: 1, heldBytesMax: 0))
        var queue = LineQueue(trust: .seconds(7), files: caller.files)
        let speech = "/v1/audio/transcriptions"
        _ = try add(try claim(["m", "n"], url: speech), backends, to: &queue)
        let none = queue.take(at: now)
        #expect(none == nil && queue.startable == 2)
        #expect(queue.opensAt(now).map { $0 > now } == true)
        var roomy = LineQueue(trust: .seconds(7))
        _ = try add(try claim(["m", "n"], url: speech), backends, to: &roomy)
        let some = roomy.take(at: now)
        #expect(some != nil)
    }
}
