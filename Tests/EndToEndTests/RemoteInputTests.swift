// SPDX-License-Identifier: Apache-2.0

import BatchFiles
import Curl
import Foundation
import HTTPTesting
import ServerTesting
import StorageTesting
import Testing

extension EndToEndTests {
    /// Inputs that the daemon fetches from a real store, and from servers that fail.
    @Suite struct RemoteInputTests {
        @Test func `input and results of a batch are objects of a store, and files here as well`() async throws {
            try await RemoteRig.run { rig, scratch in
                let sent = RemoteRig.lines(2_000, padding: 5_000)
                try await rig.put("in/one file.jsonl", sent)
                let standalone = try await Standalone.start(
                    in: scratch,
                    arguments: rig.arguments(
                        scratch, stores: [rig.entry("data", buckets: rig.bucket, projects: "default")]))
                let server = standalone.server
                let batch = try await server.runRemote(
                    #""input":{"url":"s3://\#(rig.bucket)/in/one file.jsonl"},"#
                        + #""output":{"url":"s3://\#(rig.bucket)/out/"}"#)
                #expect(batch.status == "completed", "\(batch)")
                #expect(try await server.content(batch.input_file_id) == sent)
                let key = "out/\(batch.id)_output.jsonl"
                #expect(try await rig.keys("out/") == [key])
                let output = try #require(batch.output_file_id)
                #expect(try await rig.bytes(key) == server.content(output))
                #expect(batch.shardline.input?.url == "s3://\(rig.bucket)/in/one file.jsonl")
                #expect(batch.shardline.output?.status == "delivered")
                #expect(batch.shardline.output?.objects == ["s3://\(rig.bucket)/\(key)"])
                #expect(try await standalone.process.stop() == .exited(0))
            }
        }

        @Test func `a presigned URL is read as it is, and nobody is shown its permission`() async throws {
            try await RemoteRig.run { rig, scratch in
                let sent = RemoteRig.lines(3)
                try await rig.put("in.jsonl", sent)
                let standalone = try await Standalone.start(in: scratch, arguments: rig.arguments(scratch))
                let server = standalone.server
                let url = rig.client.presignedURL("GET", "in.jsonl", validFor: 600)
                let into = rig.client.presignedURL("PUT", "out.jsonl", validFor: 600)
                let batch = try await server.runRemote(
                    #""input":{"url":"\#(url)"},"output":{"url":"\#(into)"}"#)
                #expect(batch.status == "completed", "\(batch)")
                #expect(try await server.content(batch.input_file_id) == sent)
                #expect(try await rig.bytes("out.jsonl") == server.content(try #require(batch.output_file_id)))
                #expect(batch.shardline.output?.objects == [String(into.prefix { $0 != "?" })])
                for text in [
                    try await server.get("/v1/batches").text, standalone.process.errors, standalone.process.output,
                ] {
                    #expect(!text.contains("X-Amz-Signature"))
                }
            }
        }

        @Test func `what cannot be read fails the batch with its reason, and leaves nothing behind`() async throws {
            try await RemoteRig.run { rig, scratch in
                try await rig.put("in.jsonl", RemoteRig.lines(3))
                try await rig.put("large.jsonl", RemoteRig.lines(1_000, padding: 1_000))
                let scripted = try ScriptedServer { request, connection in
                    try Self.misbehave(request.target, connection)
                }
                let standalone = try await Standalone.start(
                    in: scratch,
                    arguments: rig.arguments(
                        scratch,
                        stores: [
                            rig.entry("good", buckets: "\(rig.bucket), missing-bucket", projects: "default"),
                            rig.entry("bad", buckets: "locked", projects: "default", secret: "wrong-secret-key"),
                            rig.entry("dead", buckets: "dead", projects: "default", endpoint: "http://127.0.0.1:1"),
                        ],
                        more: ["limits.input_bytes_max=500KiB", "remote.stall=500ms", "remote.first_byte=500ms"]))
                let now = Int64(Date().timeIntervalSince1970)
                let past = try RemoteRig.client(
                    rig.engine, bucket: rig.bucket, clock: StoreClock(local: { now - 7_200 }))
                let cases: [(url: String, code: String, words: String)] = [
                    ("s3://locked/in.jsonl", "input_forbidden", "secret key"),
                    ("s3://missing-bucket/in.jsonl", "input_not_found", "NoSuchBucket"),
                    ("s3://\(rig.bucket)/none.jsonl", "input_not_found", "no such object"),
                    ("s3://\(rig.bucket)/large.jsonl", "input_too_large", "limit"),
                    ("s3://elsewhere/in.jsonl", "input_no_credentials", "object-stores add"),
                    ("oss:cn-beijing:\(rig.bucket)/in.jsonl", "input_no_credentials", "object-stores add"),
                    ("s3://dead/in.jsonl", "input_unreachable", "tried 2 times"),
                    (past.presignedURL("GET", "in.jsonl", validFor: 60), "input_forbidden", "expired"),
                    (scripted.url("/503?sig=canary"), "input_unreachable", "503"),
                    (scripted.url("/stall?sig=canary"), "input_unreachable", "tried 2 times"),
                    (scripted.url("/silent?sig=canary"), "input_unreachable", "tried 2 times"),
                    (scripted.url("/short?sig=canary"), "input_unreachable", "tried 2 times"),
                    (scripted.url("/endless?sig=canary"), "input_refused", "Content-Length"),
                    (scripted.url("/moved?sig=canary"), "input_redirected", "not followed"),
                    (scripted.url("/teapot?sig=canary"), "input_refused", "418"),
                    (scripted.url("/flood?sig=canary"), "input_too_large", "limit"),
                ]
                let server = standalone.server
                var ids: [String] = []
                for (url, _, _) in cases {
                    ids.append(try await server.createRemote(#""input":{"url":"\#(url)"}"#).decode(RemoteView.self).id)
                }
                for (id, expected) in zip(ids, cases) {
                    let batch = try await server.remoteEnd(of: id)
                    let problem = batch.errors?.data.first
                    #expect(batch.status == "failed" && problem?.code == expected.code, "\(expected): \(batch)")
                    #expect(problem?.param == "input.url" && batch.errors?.data.count == 1)
                    #expect(problem?.message.contains(expected.words) == true, "\(batch)")
                    #expect(problem?.message.contains("canary") == false && problem?.message.contains("X-Amz") == false)
                    #expect(try await server.get("/v1/files/\(batch.input_file_id)").status == 404)
                }
                #expect(!standalone.process.errors.contains("canary"))
                #expect(!standalone.process.errors.contains("wrong-secret-key"))
                #expect(try await server.get("/v1/files").text.contains(#""data":[]"#))
                #expect(Self.files(under: scratch.path("data/vault/blobs")).isEmpty)
            }
        }

        @Test func `a server that recovers, and a connection that breaks once, are no reason to fail`() async throws {
            try await RemoteRig.run { rig, scratch in
                let sent = RemoteRig.lines(500, padding: 2_000)
                try await rig.put("in.jsonl", sent)
                let proxy = try FaultProxy(to: try PrivateStore.shared().port) { number in
                    number == 1 ? .cutAnswer(after: 300_000) : .none
                }
                let scripted = try ScriptedServer { request, connection in
                    if connection.number <= 3 { return try connection.respond(503, text: "not yet") }
                    try connection.respond(body: sent)
                }
                let standalone = try await Standalone.start(
                    in: scratch,
                    arguments: rig.arguments(
                        scratch,
                        stores: [
                            rig.entry(
                                "cut", buckets: rig.bucket, projects: "default",
                                endpoint: "http://127.0.0.1:\(proxy.port)")
                        ]))
                let server = standalone.server
                for url in ["s3://\(rig.bucket)/in.jsonl", scripted.url("/in.jsonl")] {
                    let batch = try await server.runRemote(#""input":{"url":"\#(url)"}"#)
                    #expect(batch.status == "completed", "\(batch)")
                    #expect(try await server.content(batch.input_file_id) == sent)
                }
                #expect(proxy.connectionCount >= 2)
                #expect(scripted.connectionCount == 4)
            }
        }

        @Test func `an input is named once, by something that can be one`() async throws {
            try await RemoteRig.run { rig, scratch in
                let server = try await Standalone.start(in: scratch, arguments: rig.arguments(scratch)).server
                let long = "https://example.com/" + String(repeating: "a", count: 9_000)
                for (fields, param) in [
                    (#""input_file_id":"file-1","input":{"url":"s3://bucket/key"}"#, "input"),
                    (#""priority":0"#, "input_file_id"),
                    (#""input":{}"#, "input.url"), (#""input":{"url":7}"#, "input.url"),
                    (#""input":{"url":"s3://bucket/dir/"}"#, "input.url"),
                    (#""input":{"url":"ftp://host/file"}"#, "input.url"),
                    (#""input":{"url":"http://10.0.0.5/file"}"#, "input.url"),
                    (#""input":{"url":"https://user:word@example.com/"}"#, "input.url"),
                    (#""input":{"url":"\#(long)"}"#, "input.url"),
                    (#""input":{"url":"s3://bucket/key","region":"x"}"#, "input.region"),
                    (#""input_file_id":"f","output":{"url":"s3://bucket/key"}"#, "output.url"),
                    (#""input_file_id":"f","output":{"errors_url":"s3://bucket/key/"}"#, "output.url"),
                    (#""input_file_id":"f","output":{"url":"http://169.254.169.254/"}"#, "output.url"),
                    (
                        #""input_file_id":"f","output":{"url":"https://a.example/","errors_url":"https://a.example/"}"#,
                        "output.errors_url"
                    ),
                ] {
                    let answer = try await server.createRemote(fields)
                    #expect(answer.status == 400, "\(fields): \(answer.text)")
                    #expect(try answer.refusal().param == param, "\(fields): \(answer.text)")
                }
            }
        }

        private static func misbehave(_ target: String, _ connection: ScriptedConnection) throws {
            switch target.prefix(while: { $0 != "?" }) {
            case "/503": try connection.respond(503, text: "busy")
            case "/stall":
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
                _ = connection.waitForClose()
            case "/silent": _ = connection.waitForClose()
            case "/short":
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")
                connection.close()
            case "/endless":
                try connection.send("HTTP/1.1 200 OK\r\n\r\n{}\n")
                connection.close()
            case "/moved":
                try connection.respond(302, headers: [("Location", "http://169.254.169.254/latest/")], text: "")
            case "/flood":
                try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                // More than the limit; the reader goes away in the middle.
                while !connection.isClosed { try connection.sendChunk([UInt8](repeating: 0x20, count: 65_536)) }
            default: try connection.respond(418, text: "no")
            }
        }

        private static func files(under path: String) -> [String] {
            (FileManager.default.subpaths(atPath: path) ?? []).filter { name in
                var isFolder: ObjCBool = false
                return FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder)
                    && !isFolder.boolValue
            }
        }
    }
}
