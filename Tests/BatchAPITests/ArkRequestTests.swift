// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Testing

@testable import BatchAPI

private func fields(_ body: String, query: String = "") throws -> ArkFields {
    ArkFields(try ArkParameters(body: Array(body.utf8), query: try SignedQuery(query)))
}

/// A good request to create a batch, with the members of `change` instead of or beside its own.
private func creation(_ change: [String: String?] = [:]) throws -> ArkCreateRequest {
    var members: [String: String?] = [
        "Name": #""你的批量推理任务""#,
        "ModelReference": #"{"FoundationModel":{"Name":"doubao-pro-32k","ModelVersion":"240615"}}"#,
        "InputFileTosLocation": #"{"BucketName":"inputs","ObjectKey":"in/a b.jsonl"}"#,
        "OutputDirTosLocation": #"{"BucketName":"outputs","ObjectKey":"out"}"#,
    ]
    members.merge(change) { $1 }
    let text = members.compactMap { name, value in value.map { #""\#(name)":\#($0)"# } }.joined(separator: ",")
    return try ArkCreateRequest(try fields("{\(text)}"))
}

private func code(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return ArkFault.visible(error, requestID: "req_1").fault.code
    }
}

/// Requests to Ark's control plane.
@Suite struct ArkRequestTests {
    @Test func `a request to create a batch is read with what it leaves out`() throws {
        let least = try creation()
        #expect(least.name == "你的批量推理任务" && least.description == nil && least.projectName == "default")
        #expect(least.model == .foundation(name: "doubao-pro-32k", version: "240615"))
        #expect(least.input.description == "tos://inputs/in/a b.jsonl")
        #expect(least.outputFolder.description == "tos://outputs/out/")
        #expect(least.window.text == "28d" && least.window.seconds == 28 * 86_400)
        #expect(least.tags.isEmpty && !least.isDryRun)
        let most = try creation([
            "Description": #""d""#, "ProjectName": #""p""#, "ModelReference": #"{"CustomModelId":"cm-1"}"#,
            "OutputDirTosLocation": #"{"BucketName":"outputs","ObjectKey":"out/"}"#, "CompletionWindow": #""1d""#,
            "Tags": #"[{"Key":"k","Value":"v"},{"Key":"l"}]"#, "DryRun": "true", "X-Account-Id": #""21""#,
        ])
        #expect(most.description == "d" && most.projectName == "p" && most.model == .custom(id: "cm-1"))
        #expect(most.outputFolder.key == "out/" && most.window.seconds == 86_400 && most.isDryRun)
        #expect(most.tags == [.init(key: "k", value: "v"), .init(key: "l", value: "")])
    }

    @Test(
        arguments: [
            ("Name", nil, "MissingParameter.Name"), ("Name", "null", "MissingParameter.Name"),
            ("Name", #""""#, "MissingParameter.Name"), ("Name", "7", "InvalidParameter.Name"),
            ("Name", #""a b""#, "InvalidParameter.Name"), ("Name", #""naïve""#, "InvalidParameter.Name"),
            ("Name", "\"\(String(repeating: "a", count: 201))\"", "InvalidParameter.Name"),
            ("Name", "\"\(String(repeating: "批", count: 200))\"", nil), ("Name", #""a-Z_09""#, nil),
            ("Description", "\"\(String(repeating: "d", count: 301))\"", "InvalidParameter.Description"),
            ("Description", #""a\u0000""#, "InvalidParameter.Description"), ("Description", #""""#, nil),
            ("ModelReference", nil, "MissingParameter.ModelReference"),
            ("ModelReference", "{}", "MissingParameter.ModelReference.FoundationModel"),
            (
                "ModelReference", #"{"FoundationModel":{"Name":"a"}}"#,
                "MissingParameter.ModelReference.FoundationModel.ModelVersion"
            ),
            (
                "ModelReference", #"{"FoundationModel":{"Name":"a","ModelVersion":"1"},"CustomModelId":"b"}"#,
                "InvalidParameter.ModelReference"
            ),
            ("ModelReference", #""a""#, "InvalidParameter.ModelReference"),
            ("InputFileTosLocation", nil, "MissingParameter.InputFileTosLocation"),
            ("InputFileTosLocation", #"{"ObjectKey":"a"}"#, "MissingParameter.InputFileTosLocation.BucketName"),
            ("InputFileTosLocation", #"{"BucketName":"abc"}"#, "MissingParameter.InputFileTosLocation.ObjectKey"),
            (
                "InputFileTosLocation", #"{"BucketName":"abc","ObjectKey":"a/"}"#,
                "InvalidParameter.InputFileTosLocation.ObjectKey"
            ),
            (
                "InputFileTosLocation", #"{"BucketName":"../x","ObjectKey":"a"}"#,
                "InvalidParameter.InputFileTosLocation.ObjectKey"
            ),
            ("OutputDirTosLocation", nil, "MissingParameter.OutputDirTosLocation"),
            (
                "OutputDirTosLocation",
                "{\"BucketName\":\"abc\",\"ObjectKey\":\"\(String(repeating: "o", count: 960))\"}",
                "InvalidParameter.OutputDirTosLocation.ObjectKey"
            ),
            ("CompletionWindow", #""28d""#, nil), ("CompletionWindow", #""29d""#, "InvalidParameter.CompletionWindow"),
            ("CompletionWindow", #""0d""#, "InvalidParameter.CompletionWindow"),
            ("CompletionWindow", #""24h""#, "InvalidParameter.CompletionWindow"),
            ("CompletionWindow", "3", "InvalidParameter.CompletionWindow"),
            ("Tags", "null", nil), ("Tags", "[]", nil), ("Tags", "{}", "InvalidParameter.Tags"),
            ("Tags", #"[{"Value":"v"}]"#, "MissingParameter.Tags.1.Key"),
            ("Tags", #"[{"Key":"a"},{"Key":"a"}]"#, "InvalidParameter.Tags"),
            ("DryRun", #""yes""#, "InvalidParameter.DryRun"), ("DryRun", "null", nil),
        ] as [(String, String?, String?)])
    func `each member of it is checked`(name: String, value: String?, expected: String?) {
        #expect(code { _ = try creation([name: value]) } == expected)
    }

    @Test func `a list without conditions, or with empty ones, is of everything`() throws {
        for body in ["", "{}", #"{"Filter":null}"#, #"{"Filter":{"Phases":[],"Ids":null,"Name":""},"TagFilters":[]}"#] {
            let list = try ArkListRequest(try fields(body))
            #expect(list.ids.isEmpty && list.phases.isEmpty && list.models.isEmpty && list.customModels.isEmpty)
            #expect(list.namePart == nil && list.tags.isEmpty && list.projectName == "default")
            #expect(list.page == 1 && list.pageSize == 10 && list.key == .createTime && list.order == .descending)
        }
    }

    @Test func `conditions, order and page of a list are read`() throws {
        let list = try ArkListRequest(
            try fields(
                """
                {"Filter":{"Ids":["bi-1"],"Name":"n","Phases":["Running","Terminated"],"CustomModelIds":["cm-1"],
                "FoundationModels":[{"Name":"m","ModelVersions":["1"]},{"Name":"o","ModelVersions":null}]},
                "TagFilters":[{"Key":"k","Values":["v"]}],"SortBy":"UpdateTime","SortOrder":"Asc","PageSize":100}
                """, query: "PageNumber=7"))
        #expect(list.ids == ["bi-1"] && list.namePart == "n" && list.phases == [.running, .terminated])
        #expect(list.models == [.init(name: "m", versions: ["1"]), .init(name: "o", versions: [])])
        #expect(list.customModels == ["cm-1"] && list.tags == [.init(key: "k", values: ["v"])])
        #expect(list.key == .updateTime && list.order == .ascending && list.page == 7 && list.pageSize == 100)
    }

    @Test(arguments: [
        (#"{"PageSize":101}"#, "InvalidParameter.PageSize"), (#"{"PageSize":0}"#, "InvalidParameter.PageSize"),
        (#"{"PageNumber":1.5}"#, "InvalidParameter.PageNumber"), (#"{"SortBy":"Name"}"#, "InvalidParameter.SortBy"),
        (#"{"SortOrder":"asc"}"#, "InvalidParameter.SortOrder"),
        (#"{"Filter":{"Phases":["running"]}}"#, "InvalidParameter.Filter.Phases"),
        (#"{"Filter":{"Ids":[1]}}"#, "InvalidParameter.Filter.Ids"), (#"{"Filter":[]}"#, "InvalidParameter.Filter"),
        (#"{"TagFilters":[{}]}"#, "MissingParameter.TagFilters.1.Key"),
    ])
    func `what a list cannot be asked for has its code`(body: String, expected: String) {
        #expect(code { _ = try ArkListRequest(try fields(body)) } == expected)
    }

    @Test func `a batch is named in the body or in the query`() throws {
        #expect(try ArkReference(try fields(#"{"Id":"bi-1","DryRun":true}"#)).isDryRun)
        #expect(try ArkReference(try fields("{}", query: "Id=bi-2&DryRun=True")).id == "bi-2")
        #expect(code { _ = try ArkReference(try fields("{}")) } == "MissingParameter.Id")
    }
}
