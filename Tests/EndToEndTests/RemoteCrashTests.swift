// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTesting
import PostgresTesting
import ServerTesting
import StorageTesting
import Synchronization
import Testing

extension EndToEndTests {
    /// Coordinators that die, and users who change their minds, while files are on their way.
    @Suite struct RemoteCrashTests {
        /// Short leases, so that another takes over soon.
        private static let quick = ["coordinator.duty_lease=2s", "coordinator.duty_renew_every=500ms"]

        @Test func `a coordinator killed while it fetches is followed by another, and the batch runs once`()
            async throws
        {
            try await RemoteRig.run { rig, scratch in
                let sent = RemoteRig.lines(200)
                let begun = TestSignal("the first fetch")
                let scripted = try ScriptedServer { _, connection in
                    guard connection.number == 1 else { return try connection.respond(body: sent) }
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(sent.count)\r\n\r\n")
                    try connection.send(Array(sent.prefix(1_000)))
                    begun.fire()
                    _ = connection.waitForClose()
                }
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let arguments = try rig.arguments(scratch, more: Self.quick)
                _ = try await fleet.worker(try await Backend.scripted(in: scratch))
                let first = try await fleet.coordinator(arguments)
                let id = try await first.server.createRemote(#""input":{"url":"\#(scripted.url("/in"))"}"#)
                    .decode(RemoteView.self).id
                try await begun.wait()
                try await first.process.kill9()
                let server = try await fleet.coordinator(arguments).server
                let batch = try await server.remoteEnd(of: id)
                #expect(batch.status == "completed", "\(batch)")
                #expect(try await server.content(batch.input_file_id) == sent)
                #expect(scripted.connectionCount == 2)
                let files = "select count(*) from files where purpose = 'batch'"
                #expect(try await fleet.query(files) == "1")
                let view = try await server.batch(id)
                #expect(view.request_counts == .init(total: 200, completed: 200, failed: 0))
            }
        }

        @Test func `a coordinator killed while it delivers is followed by another, and nobody is told before`()
            async throws
        {
            try await RemoteRig.run { rig, scratch in
                let begun = TestSignal("the first delivery")
                let bodies = Mutex<[[UInt8]]>([])
                let scripted = try ScriptedServer { request, connection in
                    if connection.number == 1 {
                        begun.fire()
                        _ = connection.waitForClose()
                        return
                    }
                    bodies.withLock { $0.append(request.body) }
                    try connection.respond(text: "")
                }
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let arguments = try rig.arguments(scratch, more: Self.quick)
                _ = try await fleet.worker(try await Backend.scripted(in: scratch))
                let first = try await fleet.coordinator(arguments)
                let input = try await first.server.uploadBatchFile(RemoteRig.lines(50))
                let id = try await first.server.createRemote(
                    #""input_file_id":"\#(input)","output":{"url":"\#(scripted.url("/out"))"}"#
                ).decode(RemoteView.self).id
                try await begun.wait()
                #expect(try await first.server.remote(id).status == "finalizing")
                #expect(try await first.server.remote(id).shardline.output?.status == "pending")
                let told = "select count(*) from events where batch_id = '\(id)'"
                #expect(try await fleet.query(told) == "0")
                try await first.process.kill9()
                let server = try await fleet.coordinator(arguments).server
                let batch = try await server.remoteEnd(of: id)
                #expect(batch.status == "completed" && batch.shardline.output?.status == "delivered", "\(batch)")
                let output = try await server.content(try #require(batch.output_file_id))
                #expect(bodies.withLock { $0 } == [output])
                #expect(try await fleet.query(told) == "1")
                #expect(try await fleet.query("select count(*) from held_files") == "0")
            }
        }

        @Test func `cancel and the end of the window work while the input is fetched`() async throws {
            try await RemoteRig.run { rig, scratch in
                let begun = [TestSignal("the first fetch"), TestSignal("the second fetch")]
                let scripted = try ScriptedServer { request, connection in
                    begun[request.target == "/0" ? 0 : 1].fire()
                    _ = connection.waitForClose()
                }
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let server = try await fleet.coordinator(rig.arguments(scratch, more: Self.quick)).server
                var ids: [String] = []
                for number in 0...1 {
                    let fields =
                        #""input":{"url":"\#(scripted.url("/\(number)"))"},"output":{"url":"\#(scripted.url("/out"))"}"#
                    ids.append(try await server.createRemote(fields).decode(RemoteView.self).id)
                    try await begun[number].wait()
                }
                #expect(try await server.post("/v1/batches/\(ids[0])/cancel", json: "{}").status == 200)
                _ = try await fleet.query(
                    "update batches set expires_at = clock_timestamp() where id = '\(ids[1])' returning 1")
                for (id, status) in zip(ids, ["cancelled", "expired"]) {
                    let batch = try await server.remoteEnd(of: id)
                    #expect(batch.status == status && batch.output_file_id == nil && batch.error_file_id == nil)
                    #expect(batch.shardline.output?.objects == [])
                    #expect(try await server.get("/v1/files/\(batch.input_file_id)").status == 404)
                }
                #expect(try await fleet.query("select count(*) from files") == "0")
            }
        }

        @Test func `a batch cancelled before its end delivers what it has, under its last word`() async throws {
            try await RemoteRig.run { rig, scratch in
                let backend = try await Backend.scripted(in: scratch)
                let standalone = try await Standalone.start(
                    in: scratch, backend: backend,
                    arguments: rig.arguments(
                        scratch, stores: [rig.entry("data", buckets: rig.bucket, projects: "'*'")],
                        more: ["worker.concurrency=2", "coordinator.close_grace=2s"]))
                let server = standalone.server
                let input = try await server.uploadBatchFile(BatchFile(lines: 30).bytes)
                try await backend.hold(after: 5)
                let id = try await server.createRemote(
                    #""input_file_id":"\#(input)","output":{"url":"s3://\#(rig.bucket)/c/"}"#,
                    endpoint: "/v1/chat/completions"
                ).decode(RemoteView.self).id
                try await backend.stats(reaching: "held calls") { $0.held == 2 }
                #expect(try await server.post("/v1/batches/\(id)/cancel", json: "{}").status == 200)
                let batch = try await server.remoteEnd(of: id)
                try await backend.release()
                #expect(batch.status == "cancelled" && batch.shardline.output?.status == "delivered", "\(batch)")
                #expect(try await rig.keys() == ["c/\(id)_error.jsonl", "c/\(id)_output.jsonl"])
                for (key, file) in [("error", batch.error_file_id), ("output", batch.output_file_id)] {
                    let bytes = try await rig.bytes("c/\(id)_\(key).jsonl")
                    #expect(try await bytes == server.content(try #require(file)))
                }
            }
        }
    }
}
