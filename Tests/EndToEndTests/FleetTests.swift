// SPDX-License-Identifier: Apache-2.0

import Glibc
import PostgresTesting
import ServerTesting
import Testing

extension EndToEndTests {
    /// Several processes over one database.
    @Suite struct FleetTests {
        @Test func `two coordinators and three workers share the work and do none of it twice`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let first = try await fleet.coordinator().server
                let second = try await fleet.coordinator().server
                for _ in 0..<3 { _ = try await fleet.worker(backend, ["--concurrency", "8"]) }
                let file = BatchFile(lines: 800)
                var ids: [String] = []
                for server in [first, second, first] { ids.append(try await server.submit(file.bytes).id) }
                for id in ids {
                    let ended = try await second.end(of: id)
                    #expect(ended.request_counts == .init(total: 800, completed: 800, failed: 0))
                    let check = try await ResultCheck.run(ended, input: file.bytes, from: first, in: scratch)
                    #expect(check.completed == 800)
                }
                let stats = try await backend.stats()
                #expect(stats.calls == 3 * 800)
                #expect(stats.peak <= 3 * 8)
            }
        }

        @Test func `a worker that is told to stop finishes its calls, hands the rest on and exits with 0`() async throws
        {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator().server
                let leaving = try await fleet.worker(backend, ["--concurrency", "8"])
                let file = BatchFile(lines: 400)
                try await backend.hold()
                let id = try await server.submit(file.bytes).id
                try await backend.stats(reaching: "8 calls held") { $0.held == 8 }
                leaving.signal(SIGTERM)
                try await backend.release()
                #expect(try await leaving.end() == .exited(0))
                _ = try await fleet.worker(backend)
                let ended = try await server.end(of: id)
                #expect(ended.request_counts == .init(total: 400, completed: 400, failed: 0))
                let check = try await ResultCheck.run(
                    ended, input: file.bytes, from: server, backend: backend, in: scratch)
                #expect(check.computed_twice == 0)
            }
        }

        @Test func `a cancelled batch keeps its results, names the lines that never ran, and stays as it is`()
            async throws
        {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let standalone = try await Standalone.start(
                    in: scratch, backend: backend, arguments: ["--concurrency", "8"])
                let server = standalone.server
                let file = BatchFile(lines: 300)
                try await backend.hold(after: 100)
                let id = try await server.submit(file.bytes).id
                try await backend.stats(reaching: "8 calls held") { $0.held == 8 }
                _ = try await server.batch(id, reaching: "100 recorded") { $0.request_counts.completed == 100 }
                let asked = try await server.send("POST", "/v1/batches/\(id)/cancel").decode(BatchView.self)
                #expect(asked.status == "cancelling")
                try await backend.release()
                let ended = try await server.end(of: id)
                #expect(ended.status == "cancelled")
                let check = try await ResultCheck.run(
                    ended, input: file.bytes, from: server, backend: backend, in: scratch)
                #expect(check.completed >= 100 && check.unexecuted > 0)
                #expect(check.completed + check.failed + check.unexecuted == 300)

                let again = try await server.send("POST", "/v1/batches/\(id)/cancel")
                #expect(again.status == 200)
                #expect(try again.decode(BatchView.self) == ended)
                let done = try await server.end(of: server.submit(BatchFile(lines: 1).bytes).id)
                let late = try await server.send("POST", "/v1/batches/\(done.id)/cancel")
                #expect(late.status == 409 && late.headers["x-should-retry"] == "false")
                #expect(try late.refusal().message == "Cannot cancel a batch with status 'completed'.")
            }
        }
    }
}
