// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Foundation
import HTTPTesting
import Synchronization
import Testing

@testable import batchctl

struct EventWatchTests {
    private func watch(
        _ recorded: RecordedSession, from cursor: EventCursor, limit: Int? = nil, follows: Bool = true,
        cursorFile: CursorFile? = nil
    ) -> EventWatch {
        var watch = EventWatch(
            session: recorded.session, from: cursor, limit: limit, isJSON: true, follows: follows,
            cursorFile: cursorFile)
        watch.pause = { _ in try Task.checkCancellation() }
        return watch
    }

    @Test func `what there is is printed in order, page by page, and then it ends`() async throws {
        let log = EventLog()
        let ids = (1...2_500).map { "evt_\($0)" }
        for id in ids { log.add(id) }
        let server = try eventServer(log)
        let recorded = try RecordedSession(server)
        var watch = watch(recorded, from: .start, follows: false)
        #expect(try await !watch.run())
        #expect(recorded.printedIDs == ids)
        #expect(watch.cursor == .event("evt_2500"))
        #expect(
            log.targets == [
                "/v1/events?limit=1000", "/v1/events?after=evt_1000&limit=1000", "/v1/events?after=evt_2000&limit=1000",
            ])
        #expect(recorded.printed.hasPrefix(EventLog.event("evt_1") + "\n" + EventLog.event("evt_2") + "\n"))
    }

    @Test func `a limit ends the reading and tells whether there is more`() async throws {
        let log = EventLog()
        log.add("evt_1", "evt_2", "evt_3")
        let recorded = try RecordedSession(try eventServer(log))
        var watch = watch(recorded, from: .event("evt_1"), limit: 1, follows: false)
        #expect(try await watch.run())
        #expect(recorded.printedIDs == ["evt_2"] && watch.cursor == .event("evt_2"))
    }

    @Test func `following through resets, failures and restarts misses nothing and repeats nothing`() async throws {
        let log = EventLog()
        log.add("evt_1")
        let server = try eventServer(log) { number in
            switch number {
            case 2: return .reset
            case 3:
                log.add("evt_2")
                return .status(503)
            case 4: log.add("evt_3")
            case 5: return .status(502)
            case 6:
                log.add("evt_4")
                return .reset
            case 8: log.add("evt_5", "evt_6")
            default: break
            }
            return nil
        }
        let recorded = try RecordedSession(server)
        var watch = watch(recorded, from: .now, limit: 5)
        try await watch.run()
        #expect(recorded.printedIDs == ["evt_2", "evt_3", "evt_4", "evt_5", "evt_6"])
        // Where "now" was is found out once; from then on every question names a place.
        #expect(log.targets.first == "/v1/events?after=now&limit=5")
        #expect(log.targets[1] == "/v1/events?wait=30&after=evt_1&limit=5")
        #expect(!log.targets.dropFirst().contains { $0.contains("after=now") })
    }

    @Test func `with no event yet, now is the place before the first one`() async throws {
        let log = EventLog()
        let kept = TemporaryFile("")
        let file = try CursorFile(path: kept.path)
        let place = Mutex<String?>(nil)
        let server = try eventServer(log) { number in
            if number == 2 {
                place.withLock { $0 = try? String(contentsOfFile: kept.path, encoding: .utf8) }
                log.add("evt_1", "evt_2")
            }
            return nil
        }
        let recorded = try RecordedSession(server)
        var watch = watch(recorded, from: .now, limit: 2, cursorFile: file)
        try await watch.run()
        #expect(recorded.printedIDs == ["evt_1", "evt_2"])
        #expect(place.withLock { $0 } == "start\n")
        #expect(try await file.read() == .event("evt_2"))
    }

    @Test func `an event that the server lets go of while we stand behind it costs nothing`() async throws {
        let log = EventLog()
        log.add("evt_1", "evt_2")
        let server = try eventServer(log) { number in
            if number == 2 {
                log.add("evt_3")
                log.prune(2)
            }
            return nil
        }
        let recorded = try RecordedSession(server)
        var watch = watch(recorded, from: .start, limit: 3)
        try await watch.run()
        #expect(recorded.printedIDs == ["evt_1", "evt_2", "evt_3"])
    }

    @Test(arguments: [true, false])
    func `a place that is unknown from the first is an error with the way out`(follows: Bool) async throws {
        let recorded = try RecordedSession(try eventServer(EventLog()))
        var watch = watch(recorded, from: .event("evt_0"), follows: follows)
        let failure = await #expect(throws: CommandFailure.self) { try await watch.run() }
        #expect(failure?.status == .refused)
        #expect(failure?.message?.contains("evt_0") == true && failure?.message?.contains("--after start") == true)
    }

    @Test func `a server that ignores the place is neither printed twice nor asked without a rest`() async throws {
        let log = EventLog()
        let page = EventLog.list(["evt_1", "evt_2"], last: "evt_2", hasMore: true)
        let server = try eventServer(log) { number in
            .text(number < 5 ? page : EventLog.list(["evt_2", "evt_3"], last: "evt_3", hasMore: true))
        }
        let recorded = try RecordedSession(server)
        var watch = watch(recorded, from: .start, limit: 3)
        let rests = Mutex<[Duration]>([])
        watch.pause = { duration in rests.withLock { $0.append(duration) } }
        try await watch.run()
        #expect(recorded.printedIDs == ["evt_1", "evt_2", "evt_3"])
        #expect(rests.withLock { $0 } == [.seconds(1), .seconds(1), .seconds(1)])
        let ended = try RecordedSession(try eventServer(EventLog()) { _ in .text(page) })
        var single = self.watch(ended, from: .start, follows: false)
        #expect(try await single.run())
        #expect(ended.printedIDs == ["evt_1", "evt_2"])
    }

    @Test func `an empty answer that names a place moves the reader there`() async throws {
        let log = EventLog()
        log.add("evt_1", "evt_2")
        let server = try eventServer(log) { number in
            if number == 2 { return .text(EventLog.list([], last: "evt_2", hasMore: false)) }
            if number == 3 { log.add("evt_3") }
            return nil
        }
        let recorded = try RecordedSession(server)
        var watch = watch(recorded, from: .event("evt_1"), limit: 2)
        try await watch.run()
        #expect(recorded.printedIDs == ["evt_2", "evt_3"])
    }

    @Test func `the place moves only when the events are printed`() async throws {
        let log = EventLog()
        log.add("evt_1", "evt_2")
        let kept = TemporaryFile("evt_1\n")
        let file = try CursorFile(path: kept.path)
        let recorded = try RecordedSession(try eventServer(log), printingTo: "/dev/full")
        var watch = watch(recorded, from: .event("evt_1"), follows: false, cursorFile: file)
        await #expect(throws: ClientError.self) { try await watch.run() }
        #expect(try await file.read() == .event("evt_1") && watch.cursor == .event("evt_1"))
    }

    @Test func `a server that is not there at first, refuses, or stays away too long ends the following`() async throws
    {
        for (status, answers) in [(503, 0), (401, 1), (503, 1)] {
            let log = EventLog()
            let server = try eventServer(log) { $0 <= answers ? nil : .status(status) }
            let recorded = try RecordedSession(server)
            var watch = watch(recorded, from: .start)
            watch.outageMax = .zero
            await #expect(throws: ClientError.self) { try await watch.run() }
            #expect(log.targets.count == answers + 1)
        }
    }

    @Test func `cancelling ends a question that is held back`() async throws {
        let log = EventLog()
        log.add("evt_1")
        let waiting = TestSignal("a question held back")
        let server = try eventServer(log) { $0 == 2 ? .silence(waiting) : nil }
        let recorded = try RecordedSession(server)
        let initial = watch(recorded, from: .start)
        let work = Task {
            var watch = initial
            try await watch.run()
        }
        try await waiting.wait()
        work.cancel()
        await #expect(throws: ClientError.cancelled) { try await work.value }
        #expect(recorded.printedIDs == ["evt_1"])
    }
}
