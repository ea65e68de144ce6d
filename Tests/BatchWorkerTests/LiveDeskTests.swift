// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchCore
import BatchStore
import BatchTesting
import BatchWorker
import HTTPTesting
import Testing

/// A live desk, the database, a worker and a backend.
@Suite(.timeLimit(.minutes(3)))
struct LiveDeskTests {
    private func rows(_ test: TestStore, _ condition: String = "true") async throws -> Int64 {
        try await test.number("select count(*) from live_requests where \(condition)")
    }

    @Test func `every request gets its own answer, and nothing of it stays but what is kept for a while`() async throws
    {
        let test = try await TestStore()
        let rig = LiveRig(test)
        let worker = try WorkerRig(
            store: test.store, concurrency: 64,
            adjust: {
                // Neither age nor polling helps: answers come by being told of.
                $0.checkpointEvery = .seconds(5)
                $0.pollEvery = .seconds(3_600)
            }
        ) { request, connection in
            try connection.respond(headers: [("x-request-id", "r")], text: request.text)
        }
        let answers = try await withThrowingTaskGroup(of: (Int, LiveAnswer).self) { group in
            for number in 0..<300 {
                group.addTask { (number, try await rig.ask("\(number)", key: Int64(number % 5))) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(answers.count == 300)
        for (number, answer) in answers {
            #expect(answer.status == 200 && answer.requestID == "r")
            #expect(answer.text == #"{"model":"m","text":"\#(number)"}"#)
        }
        #expect(worker.server.requestCount == 300)
        #expect(try await test.number("select count(distinct live_key) from batches where lane = 0") == 5)
        try await until("the rows of answered requests are gone") { try await rows(test) == 0 }
        try await rig.shutDown()
        try await worker.shutDown()
    }

    @Test func `faults of the request are its answer, faults of the backend say when to come again`() async throws {
        let test = try await TestStore()
        let rig = LiveRig(test) { $0.retryAfter = .seconds(7) }
        let worker = try WorkerRig(store: test.store, attemptsMax: 2, patience: .zero) { request, connection in
            if request.text.contains("bad") { return try connection.respond(422, text: #"{"error":{"code":"bad"}}"#) }
            try connection.respond(request.text.contains("busy") ? 429 : 500, text: #"{"error":{}}"#)
        }
        let refused = try await rig.ask("bad")
        #expect(refused.status == 422 && refused.text == #"{"error":{"code":"bad"}}"#)
        for text in ["busy", "broken"] {
            let error = await #expect(throws: BatchError.self) { try await rig.ask(text) }
            #expect(error?.status == 503 && error?.retryAfterSeconds == 7 && error?.isFinal == false)
        }
        try await rig.shutDown()
        try await worker.shutDown()
    }

    @Test func `a request that is sent again gets what was begun, and the backend is called once`() async throws {
        let test = try await TestStore()
        let rig = LiveRig(test)
        let (started, go) = (TestSignal("the call started"), TestSignal("the call may end"))
        let worker = try WorkerRig(store: test.store) { request, connection in
            started.fire()
            try go.waitOnThread()
            try connection.respond(text: request.text)
        }
        let first = Task { try await rig.ask("once") }
        try await started.wait()
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        let second = Task { try await rig.ask("once") }
        try await until("it waits for the same line") {
            let (waited, all) = (try await rows(test, "waiter is not null"), try await rows(test))
            return waited == 1 && all == 1 && rig.desk.held == 1
        }
        go.fire()
        #expect(try await second.value.status == 200)
        // And one whose answer came while nobody waited.
        #expect(worker.server.requestCount == 1)
        try await rig.shutDown()
        try await worker.shutDown()
    }

    @Test func `an answer that came while nobody waited is given to who asks again, once`() async throws {
        let test = try await TestStore()
        let rig = LiveRig(test)
        let asking = Task { try await rig.ask("late") }
        try await until("it is stored") { try await rows(test, "waiter is not null") == 1 }
        let stranger = WorkerID.random()
        let claims = try await test.store.claimShards(worker: stranger, limit: 1, lease: .seconds(60))
        asking.cancel()
        _ = await asking.result
        try await until("nobody waits") { try await rows(test, "waiter is null") == 1 }
        try await test.finish(claims, by: stranger)
        #expect(try await rig.ask("late").text == #"{"line":1}"#)
        try await until("the row is gone") { try await rows(test) == 0 }
        let again = Task { try await rig.ask("late") }
        try await until("it is a new line") { try await test.number("select count(*) from shards") == 2 }
        again.cancel()
        _ = await again.result
        try await rig.shutDown()
    }

    @Test func `what waits and is not wanted any more is dropped`() async throws {
        let test = try await TestStore()
        let rig = LiveRig(test) { $0.abandonAfter = .zero }
        let asking = (0..<20).map { number in Task { try await rig.ask("\(number)") } }
        try await until("all are stored") { try await rows(test) == 20 }
        for task in asking.dropFirst(5) { task.cancel() }
        try await until("fifteen are dropped") { try await rows(test) == 5 }
        let worker = try WorkerRig(store: test.store) { request, connection in
            try connection.respond(text: request.text)
        }
        for task in asking.prefix(5) { _ = try await task.value }
        #expect(worker.server.requestCount == 5 && rig.desk.held == 0)
        try await worker.shutDown()
        try await rig.shutDown()
    }

    @Test func `a client's time ends with the time to come again`() async throws {
        let test = try await TestStore()
        let rig = LiveRig(test) { $0.abandonAfter = .seconds(60) }
        let error = await #expect(throws: BatchError.self) { try await rig.ask("a", wait: .milliseconds(200)) }
        #expect(error?.status == 503 && error?.retryAfterSeconds == 5)
        try await until("nobody waits") { try await rows(test, "waiter is null") == 1 }
        try await rig.shutDown()
    }

    @Test func `at the end all are told to come again, and the next process finds what was begun`() async throws {
        let test = try await TestStore()
        let rig = LiveRig(test)
        let asking = (0..<10).map { number in Task { try await rig.ask("\(number)") } }
        try await until("all are stored") { try await rows(test, "waiter is not null") == 10 }
        try await rig.shutDown()
        for task in asking {
            let error = await #expect(throws: BatchError.self) { try await task.value }
            #expect(error?.status == 503 && error?.retryAfterSeconds == 1)
        }
        #expect(try await rows(test, "waiter is null and orphaned_at is not null") == 10)
        let next = LiveRig(test)
        let again = (0..<10).map { number in Task { try await next.ask("\(number)") } }
        try await until("all wait for the old lines") { try await rows(test, "waiter is not null") == 10 }
        #expect(try await test.number("select sum(line_count) from shards") == 10)
        let worker = try WorkerRig(store: test.store) { request, connection in
            try connection.respond(text: request.text)
        }
        for task in again { #expect(try await task.value.status == 200) }
        #expect(worker.server.requestCount == 10)
        try await next.shutDown()
        try await worker.shutDown()
    }

    @Test func `one too many is refused, and so is one that comes too late`() async throws {
        let test = try await TestStore()
        let rig = LiveRig(test) { $0.heldMax = 2 }
        let asking = (0..<2).map { number in Task { try await rig.ask("\(number)") } }
        try await until("both are held") { rig.desk.held == 2 }
        let full = await #expect(throws: BatchError.self) { try await rig.ask("more") }
        #expect(full?.status == 429 && full?.retryAfterSeconds == 5 && full?.message.contains("live.held_max") == true)
        try await rig.shutDown()
        for task in asking { _ = await task.result }
        let late = await #expect(throws: BatchError.self) { try await rig.ask("late") }
        #expect(late?.status == 503 && late?.retryAfterSeconds == 1)
    }

    @Test func `requests outlive an outage of the database and connections that break`() async throws {
        let test = try await TestStore()
        let rig = LiveRig(test)
        let asking = (0..<20).map { number in Task { try await rig.ask("\(number)") } }
        try await until("all are stored") { try await rows(test, "waiter is not null") == 20 }
        try await test.tamper(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where pid <> pg_backend_pid() and datname = current_database()
            """
        )
        let more = (20..<40).map { number in Task { try await rig.ask("\(number)") } }
        let worker = try WorkerRig(store: test.store) { request, connection in
            try connection.respond(text: request.text)
        }
        for task in asking + more { #expect(try await task.value.status == 200) }
        #expect(worker.server.requestCount <= 41)
        try await rig.shutDown()
        try await worker.shutDown()
    }

    @Test func `nobody is told to come again while shards are looked at and others are inserted`() async throws {
        let test = try await TestStore()
        let rig = LiveRig(test) { $0.pollEvery = .milliseconds(1) }
        let worker = try WorkerRig(store: test.store, concurrency: 64) { request, connection in
            try connection.respond(text: request.text)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<50 {
                group.addTask {
                    for task in 0..<20 {
                        let answer = try await rig.ask("\(caller)/\(task)")
                        #expect(answer.status == 200)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(worker.server.requestCount == 1_000)
        try await rig.shutDown()
        try await worker.shutDown()
    }

    @Test func `batches are sealed, ended and deleted, also those of a process that died`() async throws {
        let test = try await TestStore()
        let dead = try await test.openLive(waiter: 12)
        try await test.addLive(["lost"], to: dead, shard: 0, waiter: 12)
        let rig = LiveRig(test) {
            $0.rotate = .milliseconds(100)
            $0.answersKept = .seconds(1)
            $0.abandonAfter = .zero
        }
        let worker = try WorkerRig(store: test.store) { request, connection in
            try connection.respond(text: request.text)
        }
        for number in 0..<5 { _ = try await rig.ask("\(number)") }
        try await until("everything is gone") { try await test.number("select count(*) from batches") == 0 }
        for table in ["live_batches", "live_requests", "shards", "segments"] {
            #expect(try await test.number("select count(*) from \(table)") == 0, "\(table)")
        }
        #expect(try await rig.ask("new").status == 200)
        try await rig.shutDown()
        try await worker.shutDown()
    }
}
