// SPDX-License-Identifier: Apache-2.0

import BatchFiles
import Foundation
import ServerTesting
import StorageTesting
import Testing

extension EndToEndTests {
    /// Whole jobs of Ark's control plane: from an object of a store to objects of a store.
    @Suite struct ArkJobTests {
        @Test func `the document's program gets its results with nothing changed but host and keys`() async throws {
            try await ArkRig.run { ark in
                // The input of the document, a blank line included.
                let input = """
                    {"custom_id": "request-1", "body": {"messages": [{"role": "user", "content": "天空为什么这么蓝?"}],"max_tokens": 1000,"top_p":1}}

                    {"custom_id": "request-2", "body": {"messages": [{"role": "system", "content": "You are an unhelpful assistant."},{"role": "user", "content": "天空为什么这么蓝?"}],"max_tokens": 1000}}

                    """
                try await ark.rig.put("in/input.jsonl", Array(input.utf8))
                let places = [ark.rig.bucket, "in/input.jsonl", ark.rig.bucket, "output"]
                let ended = try await ark.python("ark_document.py", places) as? [String: Any] ?? [:]
                let id = try #require(ended["id"] as? String)
                #expect(ended["phase"] as? String == "Completed" && ended["running"] as? Bool == false)
                let results = "output/\(id)/output/results.jsonl"
                #expect(try await ark.rig.keys("output/") == [results])
                let lines = try await ark.lines(results)
                #expect(lines.map { $0["custom_id"] as? String } == ["request-1", "request-2"])
                for line in lines {
                    let response = line["response"] as? [String: Any]
                    #expect(line["error"] is NSNull && response?["status_code"] as? Int == 200 && line["id"] is String)
                    #expect((response?["body"] as? [String: Any])?["choices"] is [Any])
                }
                // The model is that of the job; what the user wrote is otherwise what the backend got.
                let log = try String(contentsOfFile: ark.backend.logPath, encoding: .utf8)
                #expect(log.contains(#"\"model\":\"doubao-pro-32k-240615\""#))
                #expect(log.contains("天空为什么这么蓝?"))
            }
        }

        @Test func `failed lines are in the errors file, and the job tells where that is`() async throws {
            try await ArkRig.run { ark in
                try await ark.rig.put("in.jsonl", ArkRig.input(6) { $0 % 3 == 2 ? ["400"] : ["ok"] })
                let id = try #require((try await ark.create()["result"] as? [String: Any])?["id"] as? String)
                let job = try await ark.job(id, in: "Completed")
                #expect(job["RequestCounts"] as? [String: Int] == ["Total": 6, "Completed": 4, "Failed": 2])
                let place = job["ErrorFileTosLocation"] as? [String: String]
                #expect(place == ["BucketName": ark.rig.bucket, "ObjectKey": "out/\(id)/error/errors.jsonl"])
                let failed = try await ark.lines("out/\(id)/error/errors.jsonl")
                #expect(failed.map { $0["custom_id"] as? String } == ["request-2", "request-5"])
                #expect(failed.allSatisfy { $0["response"] is NSNull && $0["error"] is [String: Any] })
                #expect(try await ark.lines("out/\(id)/output/results.jsonl").count == 4)
                let usage = job["TokenUsage"] as? [String: Int]
                #expect((usage?["TotalTokens"] ?? 0) > 0)
                let server = ark.standalone.server
                _ = try await eventually("its event") {
                    try await server.get("/v1/events").text.contains(id) ? true : nil
                }
                // What was delivered stays where it is.
                #expect(try await ark.call("Delete", id)["status"] as? Int == 200)
                #expect(try await ark.call("Get", id)["status"] as? Int == 404)
                #expect(try await ark.rig.keys("out/").count == 2)
                #expect(try await !server.get("/v1/files").text.contains("file-"))
                #expect(try await !server.get("/v1/events").text.contains(id))
            }
        }

        @Test func `a job that was stopped goes on where it was, through the SDK`() async throws {
            try await ArkRig.run(["worker.checkpoint_every=100ms"]) { ark in
                try await ark.rig.put("in.jsonl", ArkRig.input(40))
                try await ark.backend.hold(after: 25)
                let id = try #require((try await ark.create()["result"] as? [String: Any])?["id"] as? String)
                _ = try await eventually("recorded results", within: .seconds(60)) {
                    let job = try await ark.call("Get", id)["result"] as? [String: Any]
                    return (job?["RequestCounts"] as? [String: Int])?["Completed"] == 25 ? true : nil
                }
                #expect(try await ark.call("Stop", id)["status"] as? Int == 200)
                try await ark.backend.release()
                let stopped = try await ark.job(id, in: "Terminated")
                let counts = stopped["RequestCounts"] as? [String: Int] ?? [:]
                #expect(ArkRig.status(stopped)["Message"] == "The job was stopped.")
                #expect((25...40).contains(counts["Completed"] ?? 0) && counts["Total"] == 40)
                let resumed = try await ark.call("Resume", id)
                #expect((resumed["result"] as? [String: Any])?["Id"] as? String == id)
                let done = try await ark.job(id, in: "Completed")
                #expect(done["RequestCounts"] as? [String: Int] == ["Total": 40, "Completed": 40, "Failed": 0])
                let ids = try await ark.lines("out/\(id)/output/results.jsonl").map { $0["custom_id"] as? String }
                #expect(ids == (0..<40).map { "request-\($0)" })
                // Nothing that had its result was called again: 25 calls were answered, the others perhaps twice.
                let calls = try ark.calls()
                #expect(calls.count == 40 && calls.values.filter { $0 == 1 }.count >= 25)
            }
        }

        @Test func `files that cannot be used are refused when the job is made`() async throws {
            try await ArkRig.run(["ark.input_bytes_max=2KiB", "ark.check_deadline=2s"]) { ark in
                try await ark.rig.put("in.jsonl", ArkRig.input(1))
                try await ark.rig.put("large.jsonl", ArkRig.input(40))
                let dry = #","DryRun":true"#
                func code(_ key: String, _ more: String = "") async throws -> String? {
                    let answer = try await ark.create(key, more: more)
                    return answer["code"] as? String
                }
                #expect(try await code("in.jsonl", dry) == nil)
                for more in ["", dry] {
                    #expect(try await code("none.jsonl", more) == "InvalidParameter.InputFileTosLocation")
                    #expect(try await code("large.jsonl", more) == "InvalidParameter.InputFileTosLocation")
                }
                let elsewhere = #"{"BucketName":"somebody-elses","ObjectKey":"in.jsonl"}"#
                let answers = try await ark.call(
                    Self.creation(input: elsewhere, output: #"{"BucketName":"\#(ark.rig.bucket)","ObjectKey":"out/"}"#),
                    Self.creation(
                        input: #"{"BucketName":"\#(ark.rig.bucket)","ObjectKey":"in.jsonl"}"#, output: elsewhere),
                    #"{"action":"ListBatchInferenceJobs","fields":{}}"#)
                #expect(answers[0]["code"] as? String == "AccessDenied.InputFileTosLocation")
                #expect(answers[1]["code"] as? String == "AccessDenied.OutputDirTosLocation")
                #expect((answers[2]["result"] as? [String: Any])?["TotalCount"] as? Int == 0)
            }
        }

        private static func creation(input: String, output: String) -> String {
            """
            {"action":"CreateBatchInferenceJob","fields":{"Name":"job","ModelReference":{"CustomModelId":"cm-1"},
            "InputFileTosLocation":\(input),"OutputDirTosLocation":\(output)}}
            """
        }

        @Test func `more jobs than may run at once wait for their turn, and all get it`() async throws {
            try await ArkRig.run(["ark.running_max=2"]) { ark in
                for number in 0..<5 { try await ark.rig.put("in-\(number).jsonl", ArkRig.input(1)) }
                try await ark.backend.hold()
                var ids: [String] = []
                for number in 0..<5 {
                    let made = try await ark.create("in-\(number).jsonl")["result"] as? [String: Any]
                    ids.append(try #require(made?["id"] as? String))
                }
                try await ark.backend.stats(reaching: "two calls") { $0.held == 2 }
                let queued = try await ark.call(
                    #"{"action":"ListBatchInferenceJobs","fields":{"Filter":{"Phases":["Queued"]},"SortOrder":"Asc"}}"#)[
                        0]
                let items = (queued["result"] as? [String: Any])?["Items"] as? [[String: Any]] ?? []
                #expect(items.map { $0["Id"] as? String } == Array(ids[2...]))
                #expect(items.allSatisfy { ArkRig.status($0)["Message"]?.contains("at most 2") == true })
                try await ark.backend.release()
                for id in ids { _ = try await ark.job(id, in: "Completed") }
                #expect(try await ark.rig.keys("out/").count == 5)
            }
        }
    }
}
