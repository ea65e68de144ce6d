// SPDX-License-Identifier: Apache-2.0

import Foundation
import PostgresTesting
import ServerTesting
import Testing

extension EndToEndTests {
    /// What failed runs again, and only that; together the results are those of one batch.
    @Suite struct RetryTests {
        /// The ids of result lines, as they are written.
        private func ids(_ text: [UInt8]) throws -> [String] {
            try text.split(separator: 0x0A).map { line in
                struct Named: Decodable {
                    let custom_id: String
                }
                return try JSONDecoder().decode(Named.self, from: Data(line)).custom_id
            }
        }

        /// The script checks the merged file as if it were the output of one batch.
        private func check(
            _ merged: String, input: [UInt8], _ backend: Backend, in scratch: Scratch
        ) async throws -> ResultCheck {
            let path = try scratch.write(String(decoding: input, as: UTF8.self), to: "merge-input.jsonl")
            let process = try ChildProcess(
                Products.python(),
                [
                    Products.script("check_results.py"), "--input", path, "--output", merged, "--log", backend.logPath,
                ], name: "check", in: scratch)
            guard try await process.end() == .exited(0) else { throw HarnessError("\(process.errors)") }
            return try JSONDecoder().decode(ResultCheck.self, from: Data(process.output.utf8))
        }

        @Test func `failed lines run again until all are done, and merging restores the input's order`() async throws {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let server = try await Standalone.start(in: scratch, backend: backend).server
                var file = BatchFile()
                let steps = [["ok"], ["400", "ok"], ["400", "400", "ok"]]
                for index in 0..<600 { file.add(steps: steps[index % 3]) }
                let first = try await server.end(of: server.submit(file.bytes).id)
                #expect(first.request_counts == .init(total: 600, completed: 200, failed: 400))

                let some = scratch.path("some.jsonl")
                let again = try await Batchctl.run(
                    ["retry", first.id, "--wait", "--merge", "-o", some], server: server, in: scratch)
                #expect(again.status == 6, "\(again.errors)")
                let second = try await server.batch(
                    String(try #require(again.output.split(separator: "\n").first)))
                #expect(second.request_counts == .init(total: 400, completed: 200, failed: 200))
                let everyID = try ids(file.bytes)
                #expect(try ids(try scratch.read("some.jsonl")) == everyID)

                let all = scratch.path("all.jsonl")
                let last = try await Batchctl.run(
                    ["retry", second.id, "--watch", "--priority", "5", "--merge", "-o", all], server: server,
                    in: scratch)
                #expect(last.status == 0, "\(last.errors)")
                let third = try await server.batch(String(try #require(last.output.split(separator: "\n").first)))
                #expect(third.request_counts == .init(total: 200, completed: 200, failed: 0))
                let checked = try await check(all, input: file.bytes, backend, in: scratch)
                #expect(checked.completed == 600 && checked.computed_twice == 0)
                #expect(checked.calls == 600 + 400 + 200)

                let printed = try await Batchctl.run(
                    ["results", third.id, "--merge", "--quiet"], server: server, in: scratch)
                #expect(try printed.status == 0 && Array(printed.output.utf8) == scratch.read("all.jsonl"))
                let shown = try await Batchctl.run(["status", third.id], server: server, in: scratch)
                #expect(shown.output.contains("  retry of    \(second.id)\n"), "\(shown.output)")
                #expect(shown.output.contains("  priority    5\n"))
            }
        }

        @Test func `what cancellation left out runs in a retry, and nothing else`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator().server
                _ = try await fleet.worker(backend, ["--concurrency", "8"])
                let file = BatchFile(lines: 300)
                try await backend.hold(after: 100)
                let id = try await server.submit(file.bytes).id
                try await backend.stats(reaching: "8 calls held") { $0.held == 8 }
                _ = try await server.send("POST", "/v1/batches/\(id)/cancel")
                try await backend.release()
                let cancelled = try await server.end(of: id)
                #expect(cancelled.status == "cancelled" && cancelled.request_counts.completed >= 100)

                let merged = scratch.path("merged.jsonl")
                let run = try await Batchctl.run(
                    ["retry", id, "--wait", "--merge", "-o", merged], server: server, in: scratch)
                #expect(run.status == 0, "\(run.errors)")
                let checked = try await check(merged, input: file.bytes, backend, in: scratch)
                #expect(checked.completed == 300)
                let child = try await server.batch(String(try #require(run.output.split(separator: "\n").first)))
                #expect(child.request_counts.total == 300 - cancelled.request_counts.completed)
            }
        }

        @Test func `what cannot be retried or merged is told with the reason`() async throws {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let server = try await Standalone.start(in: scratch, backend: backend).server
                let clean = try await server.end(of: server.submit(BatchFile(lines: 3).bytes).id)
                let nothing = try await Batchctl.run(["retry", clean.id], server: server, in: scratch)
                #expect(nothing.status == 3 && nothing.errors.contains("There is nothing to retry"))

                let bad = try await server.end(of: server.submit(BatchFile(lines: 3, steps: ["400"]).bytes).id)
                let made = try await Batchctl.run(["retry", bad.id], server: server, in: scratch)
                #expect(made.status == 0, "\(made.errors)")
                let child = try await server.end(of: String(try #require(made.output.split(separator: "\n").first)))
                #expect(child.request_counts == .init(total: 3, completed: 0, failed: 3))

                let whole = try await Batchctl.run(["status", bad.id, "--json"], server: server, in: scratch)
                struct Files: Decodable {
                    let input_file_id: String
                    let error_file_id: String
                }
                let files = try JSONDecoder().decode(Files.self, from: Data(whole.output.utf8))
                _ = try await server.send("DELETE", "/v1/files/\(files.input_file_id)")
                let merge = try await Batchctl.run(
                    ["results", child.id, "--merge", "-o", scratch.path("x")], server: server, in: scratch)
                #expect(merge.status == 9 && merge.errors.contains("the input file \(files.input_file_id)"))
                _ = try await server.send("DELETE", "/v1/files/\(files.error_file_id)")
                let gone = try await Batchctl.run(["retry", bad.id], server: server, in: scratch)
                #expect(gone.status == 3 && gone.errors.contains("was deleted or has expired"), "\(gone.errors)")
            }
        }
    }
}
