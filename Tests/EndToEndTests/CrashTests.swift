// SPDX-License-Identifier: Apache-2.0

import Glibc
import PostgresTesting
import ServerTesting
import Testing

extension EndToEndTests {
    /// Processes die without a word, at the worst moments; every line still gets exactly one result.
    @Suite struct CrashTests {
        @Test func `a worker that is killed in mid-batch costs no line and no recorded result`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator().server
                let doomed = try await fleet.worker(backend, ["--concurrency", "16"])
                let file = BatchFile(lines: 600)
                try await backend.hold(after: 100)
                let id = try await server.submit(file.bytes).id
                try await backend.stats(reaching: "16 calls held") { $0.held == 16 }
                _ = try await server.batch(id, reaching: "100 recorded") { $0.request_counts.completed == 100 }
                try await doomed.kill9()
                try await backend.release()

                _ = try await fleet.worker(backend)
                let ended = try await server.end(of: id)
                #expect(ended.request_counts == .init(total: 600, completed: 600, failed: 0))
                let check = try await ResultCheck.run(
                    ended, input: file.bytes, from: server, backend: backend, in: scratch)
                // Only what was in flight when it died was called again.
                #expect(check.calls == 600 + 16)
            }
        }

        @Test func `a coordinator that is killed while it splits leaves a batch that another one splits`() async throws
        {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let doomed = try await fleet.coordinator()
                let file = BatchFile(lines: 900)
                let fileID = try await doomed.server.uploadBatchFile(file.bytes)
                try await fleet.lock("shards")
                let id = try await doomed.server.createBatch(fileID).id
                try await fleet.someoneIsBlocked()
                try await doomed.process.kill9()
                try await fleet.unlock()

                let server = try await fleet.coordinator().server
                _ = try await fleet.worker(backend)
                let ended = try await server.end(of: id)
                #expect(ended.request_counts == .init(total: 900, completed: 900, failed: 0))
                let check = try await ResultCheck.run(
                    ended, input: file.bytes, from: server, backend: backend, in: scratch)
                #expect(check.calls == 900)
            }
        }

        @Test func `a coordinator that is killed while it publishes leaves a batch that another one finalizes`()
            async throws
        {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let doomed = try await fleet.coordinator()
                _ = try await fleet.worker(backend)
                var file = BatchFile(lines: 700)
                file.add(steps: ["400"])
                try await backend.hold()
                let id = try await doomed.server.submit(file.bytes).id
                try await backend.stats(reaching: "calls in flight") { $0.held > 0 }
                try await fleet.lock("files")
                try await backend.release()
                _ = try await doomed.server.batch(id, reaching: "finalizing") { $0.status == "finalizing" }
                try await fleet.someoneIsBlocked()
                try await doomed.process.kill9()
                try await fleet.unlock()

                let server = try await fleet.coordinator().server
                let ended = try await server.end(of: id)
                #expect(ended.request_counts == .init(total: 701, completed: 700, failed: 1))
                let check = try await ResultCheck.run(
                    ended, input: file.bytes, from: server, backend: backend, in: scratch)
                #expect(check.calls == 701 && check.computed_twice == 0)
            }
        }

        @Test func `a worker that slept through its lease writes nothing when it wakes up`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator().server
                let sleeper = try await fleet.worker(backend, ["--concurrency", "8"])
                let file = BatchFile(lines: 200)
                try await backend.hold()
                let id = try await server.submit(file.bytes).id
                try await backend.stats(reaching: "8 calls held") { $0.held == 8 }
                sleeper.signal(SIGSTOP)
                try await backend.release()

                _ = try await fleet.worker(backend)
                let ended = try await server.end(of: id)
                sleeper.signal(SIGCONT)
                #expect(ended.request_counts == .init(total: 200, completed: 200, failed: 0))
                // It finds out, drops what it had, and takes part again.
                let next = try await server.submit(file.bytes)
                #expect(try await server.end(of: next.id).request_counts.completed == 200)
                #expect(try await sleeper.stop() == .exited(0))
                #expect(try await server.batch(id) == ended)
                let check = try await ResultCheck.run(ended, input: file.bytes, from: server, in: scratch)
                #expect(check.completed == 200)
            }
        }

        @Test func `a standalone that is killed goes on with the same key where it was`() async throws {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let doomed = try await Standalone.start(
                    in: scratch, backend: backend, arguments: ["--concurrency", "8"])
                let file = BatchFile(lines: 500)
                try await backend.hold(after: 100)
                let id = try await doomed.server.submit(file.bytes).id
                try await backend.stats(reaching: "8 calls held") { $0.held == 8 }
                _ = try await doomed.server.batch(id, reaching: "100 recorded") { $0.request_counts.completed == 100 }
                try await doomed.process.kill9()
                try await backend.release()

                let standalone = try await Standalone.start(in: scratch, backend: backend)
                #expect(standalone.server.key == doomed.server.key)
                let ended = try await standalone.server.end(of: id)
                #expect(ended.request_counts == .init(total: 500, completed: 500, failed: 0))
                let check = try await ResultCheck.run(
                    ended, input: file.bytes, from: standalone.server, backend: backend, in: scratch)
                #expect(check.calls == 500 + 8)
            }
        }
    }
}
