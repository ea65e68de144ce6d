// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import PostgresTesting
import ServerTesting
import Testing

extension EndToEndTests {
    /// What the engine promises, with real processes: nobody's death, no dead backend and no neighbour spoils a batch.
    @Suite struct EngineTests {
        /// Leases and intervals that make the death of a worker a matter of seconds.
        private static let quick = [
            "--set", "worker.lease=2s", "--set", "worker.renew_every=400ms", "--set", "coordinator.poll_every=200ms",
        ]

        @Test func `a line that kills every worker is found, and only that one fails`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator(Self.quick).server
                var file = BatchFile(lines: 3)
                file.add(steps: ["hang"])
                let id = try await server.submit(file.bytes).id
                _ = try await server.batch(id, reaching: "in_progress") { $0.status == "in_progress" }
                var deaths = 0
                while try await server.batch(id).status == "in_progress", deaths < 12 {
                    let worker = try await fleet.worker(backend, Self.quick)
                    // Whoever has called the line is killed; a worker that finds nothing left is not needed any more.
                    _ = try await eventually("a call of the line, or the end") {
                        if try await backend.stats().in_flight > deaths { return true }
                        return try await server.batch(id).status == "in_progress" ? nil : true
                    }
                    try await worker.kill9()
                    deaths = try await backend.stats().in_flight
                }
                let ended = try await server.end(of: id)
                #expect(ended.request_counts == .init(total: 4, completed: 3, failed: 1))
                #expect((3...6).contains(deaths))
                let errors = String(
                    decoding: try await server.content(try #require(ended.error_file_id)), as: UTF8.self)
                #expect(errors.contains("worker_crashed") && errors.contains("id-3"))
                _ = try await ResultCheck.run(ended, input: file.bytes, from: server, in: scratch)
            }
        }

        @Test func `replacing every worker during a batch costs no second call`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator().server
                let file = BatchFile(lines: 1_500, latencyMilliseconds: 30)
                var old: [ChildProcess] = []
                for _ in 0..<3 { old.append(try await fleet.worker(backend, ["--concurrency", "8"])) }
                let id = try await server.submit(file.bytes).id
                try await backend.stats(reaching: "a good start") { $0.calls > 100 }
                for leaving in old {
                    _ = try await fleet.worker(backend, ["--concurrency", "8"])
                    #expect(try await leaving.stop() == .exited(0))
                }
                let ended = try await server.end(of: id)
                #expect(ended.request_counts == .init(total: 1_500, completed: 1_500, failed: 0))
                let check = try await ResultCheck.run(
                    ended, input: file.bytes, from: server, backend: backend, in: scratch)
                #expect(check.calls == 1_500 && check.computed_twice == 0)
            }
        }

        @Test func `a dead replica fails no line, and the other one does the work`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator().server
                // Nobody listens on the discard port.
                let settings = """
                    backends:
                      - name: dead
                        url: http://127.0.0.1:9/v1
                        models: ["*"]
                        attempts_max: 1

                    """
                let path = scratch.path("worker.yaml")
                try Data(settings.utf8).write(to: URL(fileURLWithPath: path))
                _ = try await fleet.worker(backend, ["--config", path, "--concurrency", "16"])
                let file = BatchFile(lines: 600)
                let ended = try await server.end(of: server.submit(file.bytes).id)
                #expect(ended.request_counts == .init(total: 600, completed: 600, failed: 0))
                let check = try await ResultCheck.run(
                    ended, input: file.bytes, from: server, backend: backend, in: scratch)
                #expect(check.calls == 600)
            }
        }

        @Test func `a cancelled batch is called no more within two seconds, by any worker`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator().server
                for _ in 0..<2 { _ = try await fleet.worker(backend, ["--concurrency", "4"]) }
                let file = BatchFile(lines: 3_000, latencyMilliseconds: 50)
                let id = try await server.submit(file.bytes).id
                try await backend.stats(reaching: "a good start") { $0.calls > 50 }
                _ = try await server.send("POST", "/v1/batches/\(id)/cancel")
                let cancelled = Date.now.timeIntervalSince1970
                let ended = try await server.end(of: id)
                #expect(ended.status == "cancelled")
                let log = try String(contentsOfFile: backend.logPath, encoding: .utf8)
                let late = try log.split(separator: "\n").map { try Self.call(String($0)) }
                    .filter { $0.event == "received" && $0.time > cancelled + 2 }
                #expect(late.isEmpty)
                _ = try await ResultCheck.run(ended, input: file.bytes, from: server, backend: backend, in: scratch)
            }
        }

        @Test func `a small batch of another project does not wait for a big one`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator().server
                for _ in 0..<2 { _ = try await fleet.worker(backend, ["--concurrency", "8"]) }
                let big = try await server.submit(BatchFile(lines: 4_000, latencyMilliseconds: 100).bytes).id
                try await backend.stats(reaching: "the big one at work") { $0.calls > 100 }
                let created = try await fleet.batchd(["keys", "create", "--project", "neighbour"])
                let neighbour = try server.with(
                    key: created.output.trimmingCharacters(in: .whitespacesAndNewlines))
                let small = try await neighbour.submit(BatchFile(lines: 10, latencyMilliseconds: 100).bytes).id
                let ended = try await neighbour.end(of: small)
                #expect(ended.request_counts == .init(total: 10, completed: 10, failed: 0))
                #expect((ended.completed_at ?? .max) - ended.created_at <= 5)
                #expect(try await server.batch(big).status == "in_progress")
                _ = try await server.send("POST", "/v1/batches/\(big)/cancel")
                _ = try await server.end(of: big)
            }
        }

        private struct LoggedCall: Decodable {
            let event: String
            let time: Double
        }

        private static func call(_ line: String) throws -> LoggedCall {
            try JSONDecoder().decode(LoggedCall.self, from: Data(line.utf8))
        }
    }
}
