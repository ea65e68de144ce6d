// SPDX-License-Identifier: Apache-2.0

import BatchFiles
import Foundation
import ServerTesting
import StorageTesting
import Testing

extension EndToEndTests {
    /// The programs where files are elsewhere.
    @Suite struct RemoteProgramTests {
        @Test func `batchctl submits an address, sends results to another, and shows both`() async throws {
            try await RemoteRig.run { rig, scratch in
                try await rig.put("in.jsonl", RemoteRig.lines(3))
                let server = try await Standalone.start(
                    in: scratch,
                    arguments: rig.arguments(
                        scratch, stores: [rig.entry("data", buckets: rig.bucket, projects: "default")])
                ).server
                let address = "s3://\(rig.bucket)/in.jsonl"
                let submit = ["submit", address, "--endpoint", "/v1/chat/ds-test", "--wait"]
                let run = try await Batchctl.run(
                    submit + ["--output", "s3://\(rig.bucket)/out/"], server: server, in: scratch)
                #expect(run.status == 0, "\(run.errors)")
                let id = run.output.trimmingCharacters(in: .whitespacesAndNewlines)
                #expect(try await rig.keys("out/") == ["out/\(id)_output.jsonl"])
                let status = try await Batchctl.run(["status", id], server: server, in: scratch).output
                #expect(status.contains(address) && status.contains("s3://\(rig.bucket)/out/ (delivered)"))
                let list = try await Batchctl.run(["list"], server: server, in: scratch).output
                #expect(list.contains("from \(address)"))
                // A presigned place for each file; nothing of the permission comes back.
                let local = scratch.path("input.jsonl")
                try Data(RemoteRig.lines(2)).write(to: URL(fileURLWithPath: local))
                let into = rig.client.presignedURL("PUT", "put.jsonl", validFor: 600)
                let errors = rig.client.presignedURL("PUT", "errors.jsonl", validFor: 600)
                let put = try await Batchctl.run(
                    ["submit", local, "--wait", "--json", "--output", into, "--errors-output", errors], server: server,
                    in: scratch)
                #expect(put.status == 0 && !put.output.contains("X-Amz"), "\(put.errors)")
                #expect(try await !rig.bytes("put.jsonl").isEmpty)
                let wrong = try await Batchctl.run(["submit", address], server: server, in: scratch)
                #expect(wrong.status != 0 && wrong.errors.contains("--endpoint"))
            }
        }

        @Test func `the check tries every object store, and says what is wrong with it`() async throws {
            try await RemoteRig.run { rig, scratch in
                let arguments = try rig.arguments(
                    scratch,
                    stores: [
                        rig.entry("good", buckets: "\(rig.bucket)/a/", projects: "p"),
                        rig.entry("wrong", buckets: rig.bucket, projects: "p", secret: "wrong"),
                        rig.entry("missing", buckets: "no-such-bucket", projects: "p"),
                        rig.entry("closed", buckets: rig.bucket, projects: ""),
                    ])
                let process = try ChildProcess(
                    Products.program("batchd"), ["check", "--quiet", "--data-dir", scratch.path("none")] + arguments,
                    name: "check", in: scratch)
                #expect(try await process.end() == .exited(1))
                for words in [
                    "ok    object store good: reads \(rig.bucket)/a/\n",
                    "FAIL  object store wrong: cannot read s3://\(rig.bucket)/", "SignatureDoesNotMatch",
                    "FAIL  object store missing: ", "NoSuchBucket", "FAIL  object store closed: no project may use it",
                ] {
                    #expect(process.output.contains(words), "\(process.output)")
                }
            }
        }
    }
}
