// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchCore
import BatchStore
import Crypto
import Foundation
import PostgresTesting
import Testing

@testable import BatchAPI

private let chat = "/api/v3/batch/chat/completions"
private let body = Array(#"{"model":"tiny","messages":[{"role":"user","content":"hi"}]}"#.utf8)

@Suite struct `A temporary key` {
    private let caller = "AKLTgood"

    /// Asks the action for a key, past the signature, and returns `Result`.
    private func ask(_ desk: RunningDesk, _ json: String, countMax: Int = 100) async throws -> [String: Any] {
        let action = TemporaryKeyAction(store: desk.store, secondsMax: 3_600, countMax: countMax).action
        let query = try SignedQuery("Action=GetApiKey&Version=2024-01-01")
        let call = ArkCall(
            caller: SignedCaller(
                project: desk.project, accessKeyID: caller, region: "cn-beijing", query: query), requestID: "req_1",
            invocationID: nil, parameters: try ArkParameters(body: Array(json.utf8), query: query))
        let result = try await action.perform(call)
        let object = try JSONSerialization.jsonObject(with: Data(result.bytes))
        return try #require(object as? [String: Any])
    }

    private func running() async throws -> RunningDesk {
        let desk = try await RunningDesk.start(live: ScriptedLane { _ in .success() }) { $0.keyTrust = .zero }
        try await desk.addAccessKey(caller, secret: "s", to: desk.project)
        return desk
    }

    @Test func `opens the runtime for its models, until it or the access key ends`() async throws {
        let desk = try await running()
        let before = Int(Date().timeIntervalSince1970)
        let got = try await ask(
            desk, #"{"DurationSeconds":60,"ResourceType":"endpoint","ResourceIds":["tiny","ep-2"]}"#)
        let key = try #require(got["ApiKey"] as? String)
        let expiry = try #require(got["ExpiredTime"] as? Int)
        #expect((before + 59...before + 80).contains(expiry))
        #expect(try await desk.send("POST", chat, body: body, key: .of(key)).status == 200)
        let other = Array(#"{"model":"Org/Model","messages":[{}]}"#.utf8)
        let refused = try await desk.send("POST", chat, body: other, key: .of(key))
        #expect(refused.status == 403 && refused.error["code"] as? String == "AccessDenied")
        for (method, path) in [("GET", "/v1/files"), ("GET", "/v1/batches"), ("GET", "/compatible-mode/v1/batches")] {
            let closed = try await desk.send(method, path, key: .of(key))
            #expect(closed.status == 403 && closed.error["code"] as? String == "temporary_api_key")
        }
        #expect(try await desk.store.listAPIKeys().count == 1)
        #expect(try await desk.store.revokeAccessKey(id: caller))
        #expect(try await desk.send("POST", chat, body: body, key: .of(key)).status == 401)
        #expect(!desk.log.all.joined().contains(key))
        try await desk.stop()
    }

    @Test func `that has ended opens nothing and is removed`() async throws {
        let desk = try await running()
        func insert(_ key: String, seconds: Int64) async throws {
            _ = try await desk.store.insertTemporaryKey(
                TemporaryKey(
                    project: desk.project, accessKeyID: caller, sha256: Array(SHA256.hash(data: Array(key.utf8))),
                    prefix: "x", resources: ["tiny"], seconds: seconds), countMax: 10)
        }
        try await insert("ended", seconds: -5)
        try await insert("good", seconds: 60)
        #expect(try await desk.send("POST", chat, body: body, key: .of("ended")).status == 401)
        #expect(try await desk.send("POST", chat, body: body, key: .of("good")).status == 200)
        #expect(try await desk.store.pruneTemporaryKeys() == 1)
        #expect(try await desk.store.pruneTemporaryKeys() == 0)
        #expect(try await desk.send("POST", chat, body: body, key: .of("good")).status == 200)
        try await desk.stop()
    }

    @Test(arguments: [
        (#"{}"#, "MissingParameter.ResourceIds"), (#"{"ResourceIds":[]}"#, "MissingParameter.ResourceIds"),
        (#"{"ResourceIds":[""]}"#, "InvalidParameter.ResourceIds"),
        (#"{"ResourceIds":"a"}"#, "InvalidParameter.ResourceIds"),
        (#"{"ResourceIds":["a"],"DurationSeconds":0}"#, "InvalidParameter.DurationSeconds"),
        (#"{"ResourceIds":["a"],"DurationSeconds":3601}"#, "InvalidParameter.DurationSeconds"),
        (#"{"ResourceIds":["a"],"ResourceType":"bot"}"#, "InvalidParameter.ResourceType"),
        (#"{"ResourceIds":["a"],"ResourceType":"x"}"#, "InvalidParameter.ResourceType"),
    ])
    func `is not given for a request that is wrong`(json: String, code: String) async throws {
        let desk = try await running()
        let fault = try await #require(throws: ArkFault.self) { _ = try await ask(desk, json) }
        #expect(fault.code == code && fault.status == 400)
        try await desk.stop()
    }

    @Test func `is one of so many at most`() async throws {
        let desk = try await running()
        for _ in 0..<2 { _ = try await ask(desk, #"{"ResourceIds":["a"]}"#, countMax: 2) }
        let fault = try await #require(throws: ArkFault.self) {
            _ = try await ask(desk, #"{"ResourceIds":["a"]}"#, countMax: 2)
        }
        #expect(fault.status == 429 && fault.code == "QuotaExceeded.ApiKey" && fault.retryAfterSeconds != nil)
        try await desk.stop()
    }
}
