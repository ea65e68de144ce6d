// SPDX-License-Identifier: Apache-2.0

import BatchFiles
import Curl
import Foundation
import HTTPTesting
import PostgresTesting
import ServerTesting
import StorageTesting
import Synchronization
import Testing

extension EndToEndTests {
    /// Results that the daemon delivers to a real store and to servers that fail, and whose keys it does it with.
    @Suite struct RemoteOutputTests {
        @Test func `output and error file have their places, under a prefix or at URLs of their own`() async throws {
            try await RemoteRig.run { rig, scratch in
                let backend = try await Backend.scripted(in: scratch)
                let standalone = try await Standalone.start(
                    in: scratch, backend: backend,
                    arguments: rig.arguments(
                        scratch, stores: [rig.entry("data", buckets: "\(rig.bucket)/out/", projects: "default")]))
                let server = standalone.server
                var file = BatchFile(lines: 3)
                file.add(steps: ["400"])
                let input = try await server.uploadBatchFile(file.bytes)
                let output = rig.client.presignedURL("PUT", "a.jsonl", validFor: 600)
                let errors = rig.client.presignedURL("PUT", "b.jsonl", validFor: 600)
                for (fields, keys) in [
                    (#"{"url":"s3://\#(rig.bucket)/out/"}"#, ["out/ID_output.jsonl", "out/ID_error.jsonl"]),
                    (#"{"url":"\#(output)","errors_url":"\#(errors)"}"#, ["a.jsonl", "b.jsonl"]),
                    (#"{"url":"\#(output)"}"#, ["a.jsonl"]),
                    (
                        #"{"url":"s3://\#(rig.bucket)/out/x/","errors_url":"s3://\#(rig.bucket)/out/y/"}"#,
                        ["out/x/ID_output.jsonl", "out/y/ID_error.jsonl"]
                    ),
                ] {
                    for key in try await rig.keys() { try await rig.client.delete(key) }
                    let batch = try await server.runRemote(
                        #""input_file_id":"\#(input)","output":\#(fields)"#, endpoint: "/v1/chat/completions")
                    #expect(batch.status == "completed" && batch.shardline.output?.status == "delivered", "\(batch)")
                    let expected = keys.map { $0.replacing("ID", with: batch.id) }
                    #expect(try await rig.keys() == expected.sorted())
                    let files = [try #require(batch.output_file_id), try #require(batch.error_file_id)]
                    for (key, id) in zip(expected, files) {
                        #expect(try await rig.bytes(key) == server.content(id))
                    }
                    // Of the second file nothing is lost where it has no place elsewhere.
                    #expect(try await server.content(files[1]).isEmpty == false)
                }
            }
        }

        @Test func `a place that never takes the results ends the batch all the same, with a note and its files here`()
            async throws
        {
            try await RemoteRig.run { rig, scratch in
                let puts = Mutex<[String: Int]>([:])
                let scripted = try ScriptedServer { request, connection in
                    let count = puts.withLock { puts in
                        puts[request.target, default: 0] += 1
                        return puts[request.target, default: 0]
                    }
                    if request.target.hasPrefix("/later") && count > 3 { return try connection.respond(text: "") }
                    try connection.respond(request.target.hasPrefix("/gone") ? 403 : 503, text: "no")
                }
                let standalone = try await Standalone.start(
                    in: scratch,
                    arguments: rig.arguments(
                        scratch,
                        stores: [rig.entry("bad", buckets: rig.bucket, projects: "default", secret: "wrong")],
                        more: ["remote.output_patience=4s"]))
                let server = standalone.server
                let input = try await server.uploadBatchFile(RemoteRig.lines(3))
                for (url, status, words) in [
                    (scripted.url("/later?sig=canary"), "delivered", ""),
                    (scripted.url("/never?sig=canary"), "failed", "503"),
                    (scripted.url("/gone?sig=canary"), "failed", "403"),
                    ("s3://\(rig.bucket)/", "failed", "secret key is wrong"),
                    ("s3://other/", "failed", "no keys for"),
                ] {
                    let batch = try await server.runRemote(#""input_file_id":"\#(input)","output":{"url":"\#(url)"}"#)
                    let output = try #require(batch.shardline.output)
                    #expect(batch.status == "completed" && output.status == status, "\(url): \(batch)")
                    #expect(
                        (words.isEmpty || output.error?.contains(words) == true)
                            && (output.error == nil) == (status == "delivered"))
                    #expect(output.error?.contains("canary") != true && !output.url.contains("canary"))
                    #expect(output.objects.count == (status == "delivered" ? 1 : 0))
                    #expect(try await !server.content(try #require(batch.output_file_id)).isEmpty)
                }
                #expect(!standalone.process.errors.contains("canary"))
                // A refusal is final at once; an overload is not.
                #expect(puts.withLock { $0["/gone?sig=canary"] } == 1)
                #expect(puts.withLock { $0["/never?sig=canary"] ?? 0 } > 2)
            }
        }

        @Test func `places that never answer hold up no other batch`() async throws {
            try await RemoteRig.run { rig, scratch in
                let stuck = TestSignal("the end of the test")
                let begun = TestSignal("a delivery")
                let scripted = try ScriptedServer { _, connection in
                    begun.fire()
                    try stuck.waitOnThread(seconds: 120)
                    try connection.respond(text: "")
                }
                let server = try await Standalone.start(in: scratch, arguments: rig.arguments(scratch)).server
                let input = try await server.uploadBatchFile(RemoteRig.lines(3))
                var held: [String] = []
                for number in 0..<8 {
                    let output = #""output":{"url":"\#(scripted.url("/\(number)"))"}"#
                    let answer = try await server.createRemote(#""input_file_id":"\#(input)",\#(output)"#)
                    held.append(try answer.decode(RemoteView.self).id)
                }
                try await begun.wait()
                let batch = try await server.runRemote(#""input_file_id":"\#(input)""#)
                #expect(batch.status == "completed" && batch.shardline.output == nil)
                for id in held { #expect(try await !server.remote(id).isTerminal) }
                stuck.fire()
                for id in held { #expect(try await server.remoteEnd(of: id).shardline.output?.status == "delivered") }
            }
        }

        @Test func `an upload whose connection breaks leaves nothing half written, and is done again`() async throws {
            try await RemoteRig.run { rig, scratch in
                let proxy = try FaultProxy(to: try PrivateStore.shared().port) { number in
                    number <= 2 ? .cutRequest(after: 20_000) : .none
                }
                let standalone = try await Standalone.start(
                    in: scratch,
                    arguments: rig.arguments(
                        scratch,
                        stores: [
                            rig.entry(
                                "cut", buckets: rig.bucket, projects: "'*'",
                                endpoint: "http://127.0.0.1:\(proxy.port)")
                        ]))
                let server = standalone.server
                let input = try await server.uploadBatchFile(RemoteRig.lines(2_000))
                let batch = try await server.runRemote(
                    #""input_file_id":"\#(input)","output":{"url":"s3://\#(rig.bucket)/"}"#)
                #expect(batch.status == "completed" && batch.shardline.output?.status == "delivered", "\(batch)")
                let key = "\(batch.id)_output.jsonl"
                #expect(try await rig.keys() == [key])
                #expect(try await rig.bytes(key) == server.content(try #require(batch.output_file_id)))
                #expect(proxy.connectionCount > 2)
            }
        }

        @Test func `a project's keys open its own buckets to it alone, and the server's only what they are lent for`()
            async throws
        {
            try await RemoteRig.run { rig, scratch in
                try await rig.put("in.jsonl", RemoteRig.lines(2))
                try await rig.put("lent/in.jsonl", RemoteRig.lines(2))
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let key = Data((0..<32).map { UInt8($0) }).base64EncodedString()
                let other = try await fleet.batchd(["keys", "create", "--project", "other"]).output
                let vault = PrivateStore.freshBucket()
                let arguments = try rig.arguments(
                    scratch,
                    stores: [
                        rig.entry("lent", buckets: "\(rig.bucket)/lent/", projects: "other"),
                        rig.entry("vault", buckets: vault, projects: "'*'"),
                    ],
                    more: ["sealing_key=\(key)"])
                let add =
                    "printf 'testing\\n' | \"$0\" object-stores add --project tests --name mine --bucket \(rig.bucket)"
                let added = try ChildProcess(
                    "sh",
                    [
                        "-c",
                        add + " --endpoint \(try PrivateStore.shared().url) --region us-east-1 "
                            + "--access-key test:tester --set sealing_key=\(key)", Products.program("batchd"),
                    ], environment: ["SHARDLINE_DATABASE_URL": fleet.database], name: "add", in: scratch)
                #expect(try await added.end() == .exited(0), "\(added.errors)")
                let listed = try await fleet.batchd(["object-stores", "list", "--project", "tests"]).output
                #expect(listed.hasPrefix("mine\ts3\t\(rig.bucket)\t") && !listed.contains("testing\n"))
                #expect(
                    try await !fleet.query("select encode(secret, 'escape') from object_credentials").contains(
                        "testing"))

                let tests = try await fleet.coordinator(arguments).server
                _ = try await fleet.worker(try await Backend.scripted(in: scratch))
                let others = try tests.with(key: other.trimmingCharacters(in: .whitespacesAndNewlines))
                let (own, lent) = ("s3://\(rig.bucket)/in.jsonl", "s3://\(rig.bucket)/lent/in.jsonl")
                for (server, url, code) in [
                    (tests, own, nil), (others, own, "input_no_credentials"), (others, lent, nil),
                    (others, "s3://\(rig.bucket)/lent/../in.jsonl", "input_no_credentials"),
                    (tests, "s3://\(vault)/x", "input_not_found"),
                ] as [(ServerAddress, String, String?)] {
                    let batch = try await server.runRemote(#""input":{"url":"\#(url)"}"#)
                    #expect(batch.errors?.data.first?.code == code, "\(url): \(batch)")
                    #expect(batch.status == (code == nil ? "completed" : "failed"))
                }
                let removed = try await fleet.batchd([
                    "object-stores", "remove", "--project", "tests", "--name", "mine",
                ])
                #expect(removed.end == .exited(0))
                let batch = try await tests.runRemote(#""input":{"url":"\#(own)"}"#)
                #expect(batch.errors?.data.first?.code == "input_no_credentials")
            }
        }
    }
}
