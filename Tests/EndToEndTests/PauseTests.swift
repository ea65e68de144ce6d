// SPDX-License-Identifier: Apache-2.0

import PostgresTesting
import ServerTesting
import Testing

extension EndToEndTests {
    /// A batch can be stopped for a while and go on, without another status and without losing a line.
    @Suite struct PauseTests {
        private struct Extended: Decodable {
            let status: String
            let shardline: Member

            struct Member: Decodable {
                let paused_at: Int?
            }
        }

        private func ask(_ server: ServerAddress, _ id: String, _ verb: String) async throws -> Extended {
            let answer = try await server.send("POST", "/v1/batches/\(id)/\(verb)")
            guard answer.status == 200 else { throw HarnessError("\(verb): HTTP \(answer.status) \(answer.text)") }
            return try answer.decode(Extended.self)
        }

        @Test func `a running batch that is paused starts no more calls, others run, and it goes on when resumed`()
            async throws
        {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator().server
                _ = try await fleet.worker(backend, ["--concurrency", "8"])
                // 600 lines by 8 at a time take 15 s: a pause is heard of long before their end.
                let file = BatchFile(lines: 600, latencyMilliseconds: 200)
                let id = try await server.submit(file.bytes).id
                _ = try await server.batch(id, reaching: "some lines done") { $0.request_counts.completed >= 8 }

                let run = try await Batchctl.run(["pause", id], server: server, in: scratch)
                #expect(run.status == 0 && run.output == "\(id)  in_progress (paused)\n", "\(run.errors)")
                try await backend.stats(reaching: "no calls in flight") { $0.in_flight == 0 }
                let before = try await backend.stats().calls
                #expect(before < 600)
                // Equal lines of another batch run past it.
                let other = try await server.submit(BatchFile(lines: 16, latencyMilliseconds: 200).bytes)
                #expect(try await server.end(of: other.id).request_counts.completed == 16)
                #expect(try await backend.stats().calls == before + 16)
                let status = try await Batchctl.run(["status", id], server: server, in: scratch)
                #expect(status.output.hasPrefix("\(id)  in_progress (paused)\n"))
                let list = try await Batchctl.run(["list"], server: server, in: scratch)
                #expect(list.output.contains("in_progress (paused)"))

                #expect(try await ask(server, id, "resume").shardline.paused_at == nil)
                let ended = try await server.end(of: id)
                #expect(ended.request_counts == .init(total: 600, completed: 600, failed: 0))
                let check = try await ResultCheck.run(
                    ended, input: file.bytes, from: server, backend: backend, in: scratch)
                #expect(check.calls == 600 + 16)
                let late = try await Batchctl.run(["pause", id], server: server, in: scratch)
                #expect(late.status == 3 && late.errors.contains("Cannot pause a batch with status 'completed'"))
            }
        }

        @Test func `a batch that is paused before it runs is validated and waits`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator().server
                let file = BatchFile(lines: 40)
                let id = try await server.submit(file.bytes).id
                let paused = try await ask(server, id, "pause")
                #expect(paused.shardline.paused_at != nil && ["validating", "in_progress"].contains(paused.status))
                _ = try await server.batch(id, reaching: "in progress") { $0.status == "in_progress" }
                _ = try await fleet.worker(backend)
                let other = try await server.submit(BatchFile(lines: 10).bytes)
                #expect(try await server.end(of: other.id).request_counts.completed == 10)
                #expect(try await backend.stats().calls == 10)
                #expect(try await server.batch(id).request_counts == .init(total: 40, completed: 0, failed: 0))

                let run = try await Batchctl.run(["resume", id], server: server, in: scratch)
                #expect(run.status == 0 && run.output == "\(id)  in_progress\n", "\(run.errors)")
                #expect(try await server.end(of: id).request_counts.completed == 40)
            }
        }

        @Test func `a paused batch can be cancelled, and its lines tell so`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let server = try await fleet.coordinator().server
                let file = BatchFile(lines: 30)
                let id = try await server.submit(file.bytes).id
                _ = try await server.batch(id, reaching: "in progress") { $0.status == "in_progress" }
                _ = try await ask(server, id, "pause")
                #expect(try await ask(server, id, "cancel").shardline.paused_at == nil)
                let ended = try await server.end(of: id)
                #expect(ended.status == "cancelled")
                let check = try await ResultCheck.run(ended, input: file.bytes, from: server, in: scratch)
                #expect(check.unexecuted == 30)
            }
        }
    }
}
