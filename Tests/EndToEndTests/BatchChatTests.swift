// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import PostgresTesting
import ServerTesting
import Testing

extension EndToEndTests {
    /// Ark's batch chat with real processes, the official SDK, and real kills.
    @Suite struct BatchChatTests {
        private static let chat = "/api/v3/batch/chat/completions"

        /// What many callers of the SDK came to.
        private struct Tally: Decodable {
            let answers: Int
            let failures: [String]
        }

        /// Starts so many threads of the SDK, each with a request of its own.
        private func threads(
            _ count: Int, at server: ServerTesting.ServerAddress, in scratch: Scratch
        ) async throws -> ChildProcess {
            let process = try ChildProcess(
                Products.python(),
                [
                    Products.script("ark_runtime.py"), "threads", server.url + "/api/v3", server.key, "m",
                    String(count),
                ], environment: ["NO_PROXY": "127.0.0.1"], name: "threads", in: scratch)
            _ = try await process.line(beginningWith: "begun")
            return process
        }

        /// How often the backend was called for each different request.
        private func calls(of backend: Backend) throws -> [String: Int] {
            struct Entry: Decodable {
                let event: String
                var request: String?
            }
            let log = try String(contentsOfFile: backend.logPath, encoding: .utf8)
            var calls: [String: Int] = [:]
            for line in log.split(separator: "\n") {
                let entry = try JSONDecoder().decode(Entry.self, from: Data(line.utf8))
                if entry.event == "received", let request = entry.request { calls[request, default: 0] += 1 }
            }
            return calls
        }

        private func body(_ text: String) -> [UInt8] {
            Array(#"{"model":"m","messages":[{"role":"user","content":"\#(text)"}]}"#.utf8)
        }

        /// A client that waits for its answer in a process of its own.
        private func curl(
            _ text: String, at server: ServerTesting.ServerAddress, in scratch: Scratch
        ) throws -> ChildProcess {
            try ChildProcess(
                "curl",
                [
                    "--silent", "--fail", "--max-time", "120", "--header", "Authorization: Bearer \(server.key)",
                    "--data", String(decoding: body(text), as: UTF8.self), server.url + Self.chat,
                ], environment: ["NO_PROXY": "127.0.0.1"], name: "curl", in: scratch)
        }

        private func queued(_ fleet: Fleet, _ count: Int) async throws {
            _ = try await eventually("\(count) held requests") {
                try await fleet.query("select count(*) from live_requests") == String(count) ? true : nil
            }
        }

        /// How many threads of the SDK there are; `SHARDLINE_TEST_SDK_THREADS` asks for more.
        private var threadCount: Int {
            ProcessInfo.processInfo.environment["SHARDLINE_TEST_SDK_THREADS"].flatMap { Int($0) } ?? 200
        }

        @Test(arguments: ["kill -9", "SIGTERM"])
        func `a coordinator that ends while clients wait loses connections and no work`(how: String) async throws {
            try await withScratch { scratch in
                let count = threadCount
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let doomed = try await fleet.coordinator()
                _ = try await fleet.worker(backend, ["--concurrency", "32"])
                try await backend.hold()
                let clients = try await threads(count, at: doomed.server, in: scratch)
                try await backend.stats(reaching: "32 calls held") { $0.held == 32 }
                try await queued(fleet, count)
                if how == "SIGTERM" {
                    #expect(try await doomed.process.stop() == .exited(0))
                } else {
                    try await doomed.process.kill9()
                }
                _ = try await fleet.coordinator(["--port", String(doomed.server.port)])
                try await backend.release()
                #expect(try await clients.end(within: .seconds(300)) == .exited(0), "\(clients.errors)")
                let last = try #require(clients.output.split(separator: "\n").last)
                let tally = try JSONDecoder().decode(Tally.self, from: Data(last.utf8))
                #expect(tally.answers == count && tally.failures.isEmpty, "\(tally)")
                let calls = try calls(of: backend)
                #expect(calls.count == count)
                #expect(calls.values.allSatisfy { $0 == 1 }, "called again: \(calls.filter { $0.value > 1 })")
            }
        }

        @Test func `a worker that is killed costs the calls it had in flight and no answer`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator().server
                let doomed = try await fleet.worker(backend, ["--concurrency", "8"])
                try await backend.hold()
                let clients = try await threads(40, at: server, in: scratch)
                try await backend.stats(reaching: "8 calls held") { $0.held == 8 }
                try await queued(fleet, 40)
                try await doomed.kill9()
                try await backend.release()
                _ = try await fleet.worker(backend)
                #expect(try await clients.end(within: .seconds(120)) == .exited(0), "\(clients.errors)")
                let last = try #require(clients.output.split(separator: "\n").last)
                #expect(try JSONDecoder().decode(Tally.self, from: Data(last.utf8)).answers == 40)
                let calls = try calls(of: backend)
                #expect(calls.count == 40 && calls.values.reduce(0, +) <= 48 && calls.values.allSatisfy { $0 <= 2 })
            }
        }

        @Test func `a client that is killed while its request is queued takes the request along`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator(["--set", "live.abandon_after=0s"]).server
                _ = try await fleet.worker(backend, ["--concurrency", "1"])
                try await backend.hold()
                // More than a worker keeps on hand: what it has taken up is kept, and its answer too.
                let others = try await threads(300, at: server, in: scratch)
                try await queued(fleet, 300)
                let doomed = try curl("doomed", at: server, in: scratch)
                try await queued(fleet, 301)
                try await doomed.kill9()
                try await queued(fleet, 300)
                try await backend.release()
                #expect(try await others.end(within: .seconds(120)) == .exited(0), "\(others.errors)")
                let calls = try calls(of: backend)
                #expect(calls.count == 300 && !calls.keys.contains { $0.contains("doomed") })
            }
        }

        @Test func `a key that floods the queue does not keep another waiting behind it`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator(["--set", "live.shard_lines=1"]).server
                let made = try await fleet.batchd(["keys", "create", "--project", "tests", "--name", "second"])
                let second = try server.with(key: made.output.trimmingCharacters(in: .whitespacesAndNewlines))
                _ = try await fleet.worker(backend, ["--concurrency", "4"])
                try await backend.hold()
                let flood = try await threads(60, at: server, in: scratch)
                try await queued(fleet, 60)
                var few: [ChildProcess] = []
                for number in 1...4 { few.append(try curl("few \(number)", at: second, in: scratch)) }
                try await queued(fleet, 64)
                try await backend.release()
                for client in few { #expect(try await client.end() == .exited(0), "\(client.errors)") }
                #expect(try await flood.end(within: .seconds(120)) == .exited(0), "\(flood.errors)")
                let log = try String(contentsOfFile: backend.logPath, encoding: .utf8)
                let received = log.split(separator: "\n").filter { $0.contains(#""event": "received""#) }
                let place = try #require(received.lastIndex { $0.contains("few ") })
                // Whose key has the fewest calls in flight comes next.
                #expect(received.count == 64 && place < 20, "the last of the second key was call \(place + 1) of 64")
            }
        }

        @Test func `batchctl does what the document's example does, and says what came of it`() async throws {
            try await withScratch { scratch in
                let server = try await Standalone.start(in: scratch).server
                let run = try await Batchctl.run(
                    ["chat-load", "--model", "batch-test-model", "--callers", "50", "--tasks", "5"], server: server,
                    in: scratch)
                #expect(run.status == 0, "\(run.errors)")
                #expect(run.output.contains("250, of 50 callers with 5 each"), "\(run.output)")
                #expect(run.output.contains(/answered +250\n/) && run.output.contains(/failed +0\n/), "\(run.output)")
                let json = try await Batchctl.run(
                    ["chat-load", "-m", "batch-test-model", "-c", "2", "-t", "2", "--json", "--in-memory"],
                    server: server, in: scratch)
                let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
                #expect(object?["answered"] as? Int == 4 && object?["failed"] as? Int == 0, "\(json.output)")
                let unknown = try await Batchctl.run(
                    ["chat-load", "-m", "nobody", "-c", "2", "-t", "1"], server: server, in: scratch)
                #expect(unknown.status == 6 && unknown.output.contains("2 (2 HTTP 404)"), "\(unknown.output)")
                let closed = try await Batchctl.run(
                    ["chat-load", "-m", "m", "--url", "http://127.0.0.1:9"], server: nil, in: scratch)
                #expect(closed.status == 4)
            }
        }

        @Test func `batchctl tells on Ctrl-C what was done`() async throws {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let server = try await Standalone.start(in: scratch, backend: backend).server
                try await backend.hold(after: 3)
                let load = try ChildProcess(
                    Products.program("batchctl"), ["chat-load", "-m", "m", "-c", "8", "-t", "4", "--prompt", "{n}"],
                    environment: ["SHARDLINE_URL": server.url, "SHARDLINE_API_KEY": server.key], name: "load",
                    in: scratch)
                try await backend.stats(reaching: "8 calls held") { $0.held == 8 }
                load.signal(SIGINT)
                #expect(try await load.end() == .exited(130), "\(load.errors)")
                #expect(
                    load.output.contains(/answered +3\n/) && load.output.contains(/given up +8\n/), "\(load.output)")
                #expect(load.output.contains(/not sent +21\n/), "\(load.output)")
                try await backend.release()
            }
        }
    }
}
