// SPDX-License-Identifier: Apache-2.0

import Foundation
import PostgresTesting
import ServerTesting
import Testing

extension EndToEndTests {
    /// Something the service needs is away: one clear error, and nothing is lost.
    @Suite struct OutageTests {
        @Test(.enabled(if: canMount, "needs root and mount namespaces"))
        func `a full disk refuses the upload with 507 and keeps everything else`() async throws {
            try await withScratch { scratch in
                let vault = scratch.path("data/vault")
                try FileManager.default.createDirectory(atPath: vault, withIntermediateDirectories: true)
                let process = try ChildProcess(
                    "unshare",
                    [
                        "--mount", "sh", "-c", "mount -t tmpfs -o size=2m tmpfs \"$1\" && shift && exec \"$@\"", "sh",
                        vault, try Products.program("batchd"), "standalone", "--data-dir", scratch.path("data"),
                        "--port", "0",
                    ], name: "standalone", in: scratch)
                let server = try ServerAddress(
                    readyLine: try await process.line(beginningWith: "shardline ready "))
                let small = BatchFile(lines: 1).bytes
                let kept = try await server.uploadBatchFile(small)
                let answer = try await server.upload([UInt8](repeating: UInt8(ascii: "x"), count: 4 << 20))
                #expect(answer.status == 507, "\(answer.text)")
                let refusal = try answer.refusal()
                #expect(refusal.code == "insufficient_storage" && refusal.message.contains("space"))
                // What was half written is gone again, and what was there before still is.
                #expect(try await server.content(kept) == small)
                #expect(try await server.upload(small).status == 200)
            }
        }

        /// Whether this test may mount a small file system of its own.
        private static let canMount: Bool = {
            let probe = Process()
            probe.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
            probe.arguments = ["--mount", "true"]
            probe.standardError = FileHandle.nullDevice
            guard geteuid() == 0, (try? probe.run()) != nil else { return false }
            probe.waitUntilExit()
            return probe.terminationStatus == 0
        }()

        @Test func `a backend that is down for too long fails the lines by name, and the batch completes`() async throws
        {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                try await backend.process.kill9()
                let standalone = try await Standalone.start(
                    in: scratch, backend: backend, arguments: ["--set", "backend_outage_patience=1ms"])
                let file = BatchFile(lines: 3)
                let ended = try await standalone.server.end(of: standalone.server.submit(file.bytes).id)
                #expect(ended.status == "completed")
                #expect(ended.request_counts == .init(total: 3, completed: 0, failed: 3))
                let check = try await ResultCheck.run(ended, input: file.bytes, from: standalone.server, in: scratch)
                #expect(check.failed == 3)
                let errors = try await standalone.server.content(try #require(ended.error_file_id))
                #expect(String(decoding: errors, as: UTF8.self).contains(#""code":"connection_error""#))
            }
        }

        @Test func `a backend that comes back in time costs no line`() async throws {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let standalone = try await Standalone.start(in: scratch, backend: backend)
                try await backend.override(step: "503 retry-after=1")
                let file = BatchFile(lines: 20)
                let batch = try await standalone.server.submit(file.bytes)
                try await backend.stats(reaching: "every line refused once") { $0.calls >= 20 }
                try await backend.override(step: nil)
                let ended = try await standalone.server.end(of: batch.id)
                #expect(ended.request_counts == .init(total: 20, completed: 20, failed: 0))
            }
        }

        @Test(.enabled(if: PrivatePostgres.isPrivate, "stops the database"))
        func `a database that is down answers 503, and work goes on when it is back`() async throws {
            try await withScratch { scratch in
                let postgres = try PrivatePostgres.start()
                let fleet = try await Fleet.prepared(in: scratch, postgres: postgres)
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator(["--set", "database.acquire_timeout=2s"]).server
                _ = try await fleet.worker(backend)
                let file = BatchFile(lines: 300)
                try await backend.hold()
                let batch = try await server.submit(file.bytes)
                try await backend.stats(reaching: "calls in flight") { $0.held > 0 }

                try postgres.stop()
                let answer = try await eventually("refusal") { () -> WireAnswer? in
                    let answer = try await server.get("/v1/batches/\(batch.id)")
                    return answer.status == 503 ? answer : nil
                }
                let refusal = try answer.refusal()
                #expect(refusal.code == "service_unavailable" && refusal.message.contains("database"))
                #expect(answer.headers["retry-after"].flatMap { Int($0) } != nil)
                let upload = try await server.upload(file.bytes)
                #expect(upload.status == 503, "\(upload.text)")

                try postgres.restart()
                try await backend.release()
                let ended = try await eventually("end of the batch", within: .seconds(180)) { () -> BatchView? in
                    let answer = try await server.get("/v1/batches/\(batch.id)")
                    guard answer.status == 200 else { return nil }
                    let view = try answer.decode(BatchView.self)
                    return view.isTerminal ? view : nil
                }
                #expect(ended.request_counts == .init(total: 300, completed: 300, failed: 0))
                let check = try await ResultCheck.run(
                    ended, input: file.bytes, from: server, backend: backend, in: scratch)
                #expect(check.completed == 300)
            }
        }
    }
}
