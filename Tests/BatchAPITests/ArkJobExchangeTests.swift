// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Foundation
import ServerTesting
import Testing

@testable import BatchAPI

/// Batch inference jobs through the official SDK: the typed calls, and the others by name.
@Suite struct ArkJobExchangeTests {
    @Test func `a job is shown with all that its creator said of it`() async throws {
        try await ArkDesk.run { ark in
            let before = HTTPDate.unixSeconds()
            let made = try await ark.call(
                ArkDesk.create(
                    more: #","Description":"d","CompletionWindow":"3d","Tags":[{"Key":"k","Value":"v"}]"#))
            #expect(made.status == 200 && made.id.wholeMatch(of: /bi-[0-9]{14}-[a-z0-9]{5}/) != nil, "\(made)")
            let id = #"{"Id":"\#(made.id)"}"#
            let answers = try await ark.call([
                ArkDesk.any("Get", id), ArkDesk.any("Get", id, method: "GET"),
                #"{"presigned":{"Action":"GetBatchInferenceJob","Id":"\#(made.id)"}}"#,
                #"{"query":{"Action":"GetBatchInferenceJob","Id":"\#(made.id)"},"body":{}}"#,
            ])
            for job in answers {
                let result = job.result
                func object(_ name: String) -> [String: Any] { result[name] as? [String: Any] ?? [:] }
                #expect(job.status == 200 && job.id == made.id)
                #expect(result["Name"] as? String == "批量-1" && result["Description"] as? String == "d")
                #expect(result["ProjectName"] as? String == "default" && result["CompletionWindow"] as? String == "3d")
                #expect(result["Tags"] as? [[String: String]] == [["Key": "k", "Value": "v"]])
                #expect(
                    object("InputFileTosLocation") as? [String: String] == [
                        "BucketName": "inputs", "ObjectKey": "in.jsonl",
                    ])
                #expect(
                    object("OutputDirTosLocation") as? [String: String] == [
                        "BucketName": "outputs", "ObjectKey": "out/",
                    ])
                let model = object("ModelReference")["FoundationModel"] as? [String: String]
                #expect(model == ["Name": "doubao-pro-32k", "ModelVersion": "240615"])
                #expect(object("RequestCounts") as? [String: Int] == ["Total": 0, "Completed": 0, "Failed": 0])
                #expect(object("TokenUsage")["TotalTokens"] as? Int == 0 && result["ErrorFileTosLocation"] is NSNull)
                let created = try Self.moment(result["CreateTime"])
                #expect((before...before + 60).contains(created) && job.phase == "Queued")
                #expect(try Self.moment(object("Status")["PhaseTime"]) == created)
                #expect(try Self.moment(result["UpdateTime"]) == created)
                #expect(try Self.moment(result["ExpireTime"]) == created + 3 * 86_400)
            }
            let listed = try await ark.call(#"{"typed":"list","fields":{}}"#)
            #expect(listed.ids == [made.id] && listed.result["total_count"] as? Int == 1)
            let item = try #require((listed.result["items"] as? [[String: Any]])?.first)
            #expect(
                (item["status"] as? [String: Any])?["phase"] as? String == "Queued" && item["name"] as? String == "批量-1"
            )
            #expect((item["tags"] as? [[String: String]])?.first == ["key": "k", "value": "v"])
        }
    }

    private static func moment(_ value: Any?) throws -> Int64 {
        let text = try #require(value as? String)
        #expect(text.wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z/) != nil)
        return try #require(CompactMoment.unixSeconds(text.replacing(/[-:TZ]/, with: ""), utcOffsetMinutes: 0))
    }

    @Test func `a job is renamed, stopped, resumed and removed, each only when that makes sense`() async throws {
        try await ArkDesk.run { ark in
            let made = try await ark.call([ArkDesk.create("a.jsonl"), ArkDesk.create("b.jsonl")]).map(\.id)
            let (stopped, failed) = (#"{"Id":"\#(made[0])"}"#, #"{"Id":"\#(made[1])"}"#)
            let early = try await ark.call([
                ArkDesk.any("Update", #"{"Id":"\#(made[0])","Name":"x","DryRun":true}"#),
                ArkDesk.any("Update", #"{"Id":"\#(made[0])","Name":"neu-名","Description":"more"}"#),
                ArkDesk.any("Update", #"{"Id":"\#(made[0])","Name":"no blank"}"#),
                ArkDesk.any("Delete", stopped), ArkDesk.any("Resume", stopped),
                ArkDesk.any("Stop", #"{"Id":"\#(made[0])","DryRun":true}"#), ArkDesk.any("Get", stopped),
                ArkDesk.any("Stop", stopped), ArkDesk.any("Stop", stopped), ArkDesk.any("Get", stopped),
                ArkDesk.any("Delete", stopped),
            ])
            #expect(early.map(\.status) == [200, 200, 400, 409, 409, 200, 200, 200, 200, 200, 409])
            #expect(early[2].code == "InvalidParameter.Name" && early[3].code == "OperationDenied.PhaseNotAllowed")
            #expect(early[3].message.contains("StopBatchInferenceJob"))
            #expect(early[4].code == "OperationDenied.ResumeNotAllowed")
            #expect(early[6].result["Name"] as? String == "neu-名" && early[6].phase == "Queued")
            #expect(early[9].phase == "Terminating" && early[9].result["Description"] as? String == "more")
            try await ark.fail(made[1])
            let late = try await ark.call([
                ArkDesk.any("Get", failed), ArkDesk.any("Stop", failed),
                #"{"query":{"Action":"ResumeBatchInferenceJob","Id":"\#(made[1])"},"body":{}}"#,
                ArkDesk.any("Get", failed), ArkDesk.any("Delete", failed),
            ])
            #expect(late.map(\.status) == [200, 409, 200, 200, 409])
            let status = late[0].result["Status"] as? [String: String]
            #expect(late[0].phase == "Failed" && status?["Message"] == "Line 3: This is no JSON.")
            #expect(late[1].code == "OperationDenied.PhaseNotAllowed")
            #expect(late[2].id == made[1] && late[3].phase == "Queued")
            try await ark.fail(made[1])
            let end = try await ark.call([
                ArkDesk.any("Delete", #"{"Id":"\#(made[1])","DryRun":true}"#), ArkDesk.any("Get", failed),
                ArkDesk.any("Delete", failed), ArkDesk.any("Get", failed), ArkDesk.any("Resume", failed),
                ArkDesk.any("Update", #"{"Id":"\#(made[1])","Name":"x"}"#), ArkDesk.list(),
            ])
            #expect(end.map(\.status) == [200, 200, 200, 404, 404, 404, 200])
            #expect(end[3].code == "NotFound.BatchInferenceJob" && end[6].ids == [made[0]])
        }
    }

    @Test func `an attempt whose answer got lost is not made twice`() async throws {
        try await ArkDesk.run { ark in
            let answers = try await ark.call([
                #"{"lossy":\#(ArkDesk.create("a.jsonl"))}"#, #"{"lossy":\#(ArkDesk.create("b.jsonl"))}"#,
                ArkDesk.create("a.jsonl"), ArkDesk.list(),
            ])
            #expect(answers.map(\.status) == [200, 200, 409, 200])
            #expect(answers[2].code == "OperationDenied.DuplicateBatchInferenceJob")
            #expect(answers[2].message.contains(answers[0].id) && answers[0].id.hasPrefix("bi-"))
            #expect(answers[3].ids == [answers[1].id, answers[0].id])
        }
    }

    @Test func `a dry run makes every check and no job`() async throws {
        try await ArkDesk.run { ark in
            let dry = #","DryRun":true"#
            let answers = try await ark.call([
                ArkDesk.create("a.jsonl", more: dry), ArkDesk.list(), ArkDesk.create("a.jsonl"),
                ArkDesk.create("a.jsonl", more: dry),
                ArkDesk.create("b.jsonl", more: dry + #","CompletionWindow":"29d""#),
                ArkDesk.list(),
            ])
            #expect(answers.map(\.status) == [200, 200, 200, 409, 400, 200])
            #expect(answers[0].id == "" && answers[1].ids.isEmpty && answers[1].result["TotalCount"] as? Int == 0)
            #expect(answers[3].code == "OperationDenied.DuplicateBatchInferenceJob")
            #expect(answers[4].code == "InvalidParameter.CompletionWindow" && answers[5].ids == [answers[2].id])
        }
    }

    @Test func `more jobs than the limits allow are refused or wait`() async throws {
        var limits = Limits()
        (limits.ark.jobsMax, limits.ark.runningMax) = (3, 1)
        try await ArkDesk.run(limits: limits) { ark in
            let made = try await ark.call([
                ArkDesk.create("a"), ArkDesk.create("b"), ArkDesk.create("c"), ArkDesk.create("d"),
                ArkDesk.create("d", more: #","ProjectName":"other""#),
            ])
            #expect(made.map(\.status) == [200, 200, 200, 400, 200])
            #expect(made[3].code == "QuotaExceeded.BatchInferenceJob" && made[3].message.contains("7 days"))
            #expect(try await ark.desk.store.admitJobs(runningMax: 1).count == 2)
            let answers = try await ark.call([
                ArkDesk.any("Get", #"{"Id":"\#(made[0].id)"}"#), ArkDesk.any("Get", #"{"Id":"\#(made[1].id)"}"#),
                ArkDesk.list(#"{"Filter":{"Phases":["Queued"]},"SortOrder":"Asc"}"#),
                ArkDesk.list(#"{"Filter":{"Phases":["Initializing"]}}"#), ArkDesk.list(#"{"ProjectName":"other"}"#),
            ])
            #expect(answers[0].phase == "Initializing" && answers[1].phase == "Queued")
            let note = (answers[1].result["Status"] as? [String: String])?["Message"] ?? ""
            #expect(note.contains("1 jobs of the project 'default'"))
            #expect(answers[2].ids == [made[1].id, made[2].id] && answers[3].ids == [made[0].id])
            #expect(answers[4].ids == [made[4].id])
        }
    }

    @Test func `conditions, pages and order reach the list, and empty conditions are none`() async throws {
        try await ArkDesk.run { ark in
            let made = try await ark.call(
                (0..<5).map { ArkDesk.create("\($0)", more: #","Tags":[{"Key":"n","Value":"\#($0 % 2)"}]"#) }
            ).map(\.id)
            let newest = Array(made.reversed())
            let answers = try await ark.call([
                ArkDesk.list(#"{"Filter":{"Phases":[],"Ids":null},"Action":"x","X-Account-Id":"21"}"#),
                ArkDesk.list(#"{"PageNumber":2,"PageSize":2}"#), ArkDesk.list(#"{"PageNumber":9,"PageSize":2}"#),
                ArkDesk.list(#"{"SortBy":"UpdateTime","SortOrder":"Asc","PageSize":100}"#),
                ArkDesk.list(#"{"TagFilters":[{"Key":"n","Values":["1"]}]}"#),
                #"{"typed":"list","fields":{"Filter":{"Ids":["\#(made[3])"],"Name":"批","Phases":["Queued"],"#
                    + #""FoundationModels":[{"Name":"doubao-pro-32k","ModelVersions":["240615"]}]},"PageSize":5}}"#,
                #"{"typed":"list","fields":{"Filter":{"CustomModelIds":["cm"]}}}"#,
                ArkDesk.list(#"{"PageSize":101}"#),
                #"{"query":{"Action":"ListBatchInferenceJobs","PageSize":"3"},"body":{}}"#,
            ])
            #expect(answers[0].ids == newest && answers[1].ids == Array(newest[2..<4]) && answers[2].ids.isEmpty)
            #expect(answers[1].result["TotalCount"] as? Int == 5 && answers[2].result["TotalCount"] as? Int == 5)
            #expect(answers[1].result["PageNumber"] as? Int == 2 && answers[1].result["PageSize"] as? Int == 2)
            #expect(answers[3].ids == made && answers[4].ids == [made[3], made[1]])
            #expect(answers[5].ids == [made[3]] && answers[6].ids.isEmpty)
            #expect(answers[7].code == "InvalidParameter.PageSize" && answers[8].ids == Array(newest[..<3]))
        }
    }

    @Test func `nobody meets the jobs of another tenant, or of another profile`() async throws {
        try await ArkDesk.run { ark in
            let stranger = try await ark.stranger()
            let made = try await ark.call(ArkDesk.create()).id
            let id = #"{"Id":"\#(made)"}"#
            let answers = try await stranger.call(
                ["Get", "Update", "Stop", "Resume", "Delete"].map { ArkDesk.any($0, id) }
                    + [ArkDesk.list(#"{"Filter":{"Ids":["\#(made)"]}}"#), ArkDesk.create(), ArkDesk.any("Get", "{}")])
            for answer in answers.prefix(5) {
                #expect(answer.status == 404 && answer.code == "NotFound.BatchInferenceJob")
                #expect(answer.message.contains(made))
            }
            #expect(answers[5].ids.isEmpty && answers[6].status == 200 && answers[7].code == "MissingParameter.Id")
            for path in ["/v1/batches", "/compatible-mode/v1/batches"] {
                let listed = try await ark.desk.send("GET", path)
                #expect(listed.status == 200 && !listed.bodyText.contains("bi-"))
                #expect(try await ark.desk.send("GET", "\(path)/\(made)").status == 404)
                for verb in ["cancel", "pause", "resume", "retry"] {
                    #expect(try await ark.desk.send("POST", "\(path)/\(made)/\(verb)", body: []).status == 404)
                }
            }
            #expect(try await ark.call(ArkDesk.any("Get", id)).phase == "Queued")
        }
    }
}
