// SPDX-License-Identifier: Apache-2.0
import BatchCore
import HTTPTypes
import Testing

@testable import BatchAPI

/// Finding actions, reading their parameters, and the envelope around what they give.
@Suite struct ArkRoutesTests {
    private static let routes = ArkRoutes(
        noteUse: { _ in },
        actions: [
            ArkAction(name: "Echo") { call in
                let value = try call.parameters.value(of: "Id")
                guard case .string(let text) = value else { throw BatchError.missing("Id") }
                return .object([.init("Id", .string(text)), .init("Invocation", JSONValue(call.invocationID))])
            }
        ])

    private func answer(_ query: String, _ body: String = "", _ headers: HTTPFields = [:]) async throws -> String {
        let query = try SignedQuery(query)
        let caller = SignedCaller(
            project: ProjectID(rawValue: "proj_1"), accessKeyID: "AKLT1", region: "cn-shanghai", query: query)
        let answer = try await Self.routes.answer(caller, Array(body.utf8), requestID: "req_1", headers: headers)
        guard case .bytes(let bytes) = answer.body else { return "a stream" }
        return "\(answer.status.code) \(String(decoding: bytes, as: UTF8.self))"
    }

    private func fault(_ query: String, _ body: String = "") async throws -> ArkFault? {
        do {
            _ = try await answer(query, body)
            return nil
        } catch {
            return ArkFault.visible(error, requestID: "req_1").fault
        }
    }

    @Test func `the result of an action is wrapped`() async throws {
        let metadata =
            #"{"ResponseMetadata":{"RequestId":"req_1","Action":"Echo","Version":"2024-01-01","Service":"ark","#
            + #""Region":"cn-shanghai"},"Result":"#
        #expect(
            try await answer("Action=Echo&Version=2024-01-01", #"{"Id":"a","Action":"Echo"}"#)
                == "200 " + metadata + #"{"Id":"a","Invocation":null}}"#)
        #expect(
            try await answer("Action=Echo&Version=2024-01-01&Id=b", "{}", [.sdkInvocationID: "i-1"])
                == "200 " + metadata + #"{"Id":"b","Invocation":"i-1"}}"#)
        #expect(
            try await answer("Action=Echo&Version=2024-01-01&Id=b", #"{"Id":null}"#)
                == "200 " + metadata + #"{"Id":"b","Invocation":null}}"#)
        #expect(
            try await answer("Version=2024-01-01&Id=b&Action=Echo", #"{"Id":"a"}"#)
                == "200 " + metadata + #"{"Id":"a","Invocation":null}}"#)
    }

    @Test(
        arguments: [
            ("Version=2024-01-01", "", "MissingParameter.Action", 400),
            ("Action=&Version=2024-01-01", "", "MissingParameter.Action", 400),
            ("Action=Echo", "", "MissingParameter.Version", 400),
            ("Action=Echo&Version=2025-01-01", "", "InvalidActionOrVersion", 404),
            ("Action=echo&Version=2024-01-01", "", "InvalidActionOrVersion", 404),
            ("Action=Echo&Version=2024-01-01", "[]", "InvalidParameter", 400),
            ("Action=Echo&Version=2024-01-01", "{", "InvalidParameter", 400),
            ("Action=Echo&Version=2024-01-01", "", "InvalidParameter.Id", 400),
            ("Action=Echo&Version=2024-01-01&Id=1&Id=2", "", "InvalidParameter.Id", 400),
        ])
    func `what cannot be performed has its code`(query: String, body: String, code: String, status: Int) async throws {
        let fault = try #require(await fault(query, body))
        #expect(fault.code == code && fault.status == status && !fault.message.isEmpty)
    }

    @Test(arguments: [
        (400, "InvalidParameter"), (401, "InvalidAuthorization"), (403, "AccessDenied"), (404, "NotFound"),
        (405, "InvalidParameter"), (409, "OperationDenied"), (413, "InvalidParameter"), (429, "FlowLimitExceeded"),
        (500, "InternalError"), (502, "InternalServiceError"), (503, "ServiceUnavailableTemp"),
        (504, "InternalServiceTimeout"), (507, "InternalError"),
    ])
    func `errors of the shared code keep their status`(status: Int, code: String) {
        let fault = ArkFault(BatchError(status: status, type: "t", message: "m", retryAfterSeconds: 7))
        #expect(fault.code == code && fault.status == status && fault.message == "m")
        let answer = ArkEnvelope(requestID: "req_1", query: nil).failure(fault)
        #expect(answer.headers[.retryAfter] == "7" && answer.status.code == status)
    }

    @Test func `an envelope repeats nothing that could be something else than a name`() throws {
        for action in ["a%20b", "%3Cscript%3E%00", String(repeating: "a", count: 65), "%FF"] {
            #expect(ArkEnvelope(requestID: "r", query: try SignedQuery("Action=\(action)")).action == "")
        }
        #expect(ArkEnvelope(requestID: "r", query: try SignedQuery("Action=Echo")).action == "Echo")
    }
}
