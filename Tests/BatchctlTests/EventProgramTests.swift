// SPDX-License-Identifier: Apache-2.0
import Glibc
import HTTPTesting
import ServerTesting
import Testing

struct EventProgramTests {
    @Test func `events are lines of text, or of JSON as the server sent it`() async throws {
        try await withScratch { scratch in
            let log = EventLog()
            log.add("evt_1", "evt_2")
            let server = try eventServer(log)
            let address = try ServerAddress(url: server.url(""), key: "sk-test")
            let environment: [String: String?] = ["TZ": "UTC"]
            let text = try await Batchctl.run(["events"], server: address, environment: environment, in: scratch)
            #expect(
                text.output == """
                    1970-01-01 00:00:01  batch.completed  batch_evt_1  1: 1 succeeded
                    1970-01-01 00:00:01  batch.completed  batch_evt_2  1: 1 succeeded

                    """)
            #expect(text.status == 0 && text.errors.isEmpty)
            let json = try await Batchctl.run(["events", "--json"], server: address, in: scratch)
            #expect(json.output == EventLog.event("evt_1") + "\n" + EventLog.event("evt_2") + "\n")
            let first = try await Batchctl.run(["events", "--limit", "1"], server: address, in: scratch)
            #expect(first.errors.contains("batchctl events --after evt_1"))
        }
    }

    @Test func `a run with a cursor file begins where the last one ended`() async throws {
        try await withScratch { scratch in
            let log = EventLog()
            log.add("evt_1", "evt_2")
            let server = try eventServer(log)
            let address = try ServerAddress(url: server.url(""), key: "sk-test")
            let path = scratch.path("cursor")
            func read(_ more: String...) async throws -> Batchctl {
                try await Batchctl.run(
                    ["events", "--json", "--cursor-file", path] + more, server: address, in: scratch)
            }
            #expect(try await read("--after", "evt_1").output == EventLog.event("evt_2") + "\n")
            #expect(try scratch.read("cursor") == Array("evt_2\n".utf8))
            #expect(try await read().output.isEmpty)
            log.add("evt_3", "evt_4")
            // The file goes before --after.
            #expect(try await read("--after", "evt_1", "--limit", "1").output == EventLog.event("evt_3") + "\n")
            #expect(try await read("--follow", "--limit", "1").output == EventLog.event("evt_4") + "\n")
            log.prune(4)
            let lost = try await read()
            #expect(lost.status == 3 && lost.errors.contains("delete \(path)"))
        }
    }

    @Test func `the interrupt of a follower ends it with a word on how to go on`() async throws {
        try await withScratch { scratch in
            let log = EventLog()
            log.add("evt_1")
            let waiting = TestSignal("a question held back")
            let server = try eventServer(log) { number in
                if number == 2 { log.add("evt_2") }
                return number == 3 ? .silence(waiting) : nil
            }
            let process = try ChildProcess(
                Products.program("batchctl"), ["events", "--follow", "--json", "--url", server.url("")],
                name: "events", in: scratch)
            try await waiting.wait()
            process.signal(SIGINT)
            #expect(try await process.end() == .exited(130))
            #expect(process.output == EventLog.event("evt_2") + "\n")
            #expect(process.errors.contains("batchctl events --follow --after evt_2 --json --url"))
            #expect(process.errors.hasSuffix("batchctl: stopped reading events\n"))
        }
    }
}
