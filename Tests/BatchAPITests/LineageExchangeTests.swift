// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Testing

@testable import BatchAPI

/// A body to create a batch of `file`, with more members.
private func creation(_ file: String = "file-none", _ more: String = "") -> [UInt8] {
    Array(
        """
        {"input_file_id":"\(file)","endpoint":"/v1/chat/completions","completion_window":"48h",\
        "metadata":{"a":"b"}\(more)}
        """.utf8)
}

extension RawResponse {
    /// The member of our own in a batch object.
    fileprivate var ours: [String: Any] { object["shardline"] as? [String: Any] ?? [:] }
}

@Suite struct `Batches that wait, go first or go again` {
    /// A cancelled batch whose only line is in its error file.
    private func ended(_ desk: RunningDesk, _ more: String = "") async throws -> (id: String, errorFile: String) {
        let file = try await desk.upload(Array("{}\n".utf8))
        let id = try #require(try await desk.send("POST", "/v1/batches", body: creation(file, more)).text("id"))
        var builder = LinePackBuilder()
        let token = Array(#""a""#.utf8)
        token.withUnsafeBytes { builder.append(number: 1, endpoint: nil, customID: $0, body: $0) }
        let duty = try #require(try await desk.store.claimValidation(owner: .random(), lease: .seconds(60)))
        #expect(duty.lease.batch.rawValue == id)
        _ = try await desk.store.insertDrafts(
            duty.lease, [DraftShard(number: 0, lineCount: 1, pack: builder.finish())])
        #expect(try await desk.store.openShards(duty.lease, total: 1, model: "m"))
        _ = try await desk.store.cancelBatch(duty.lease.batch, project: desk.project)
        let final = try #require(
            try await desk.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero))
        let error = NewFile(
            id: .random(), project: desk.project, purpose: .batchOutput, filename: "e", bytes: 3,
            sha256: [UInt8](repeating: 0, count: 32), vaultKey: "key-\(id)", expiresAfterSeconds: nil)
        let publication = Publication(
            output: nil, error: error, counts: RequestCounts(total: 1), usage: Usage(), event: .random())
        #expect(try await desk.store.publishBatch(final, publication))
        return (id, error.id.rawValue)
    }

    @Test func `are paused and resumed as often as one likes, while calls may start`() async throws {
        let desk = try await RunningDesk.start()
        let id = try #require(try await desk.send("POST", "/v1/batches", body: creation()).text("id"))
        func ask(_ verb: String, _ body: [UInt8]? = []) async throws -> RawResponse {
            try await desk.send("POST", "/v1/batches/\(id)/\(verb)", body: body)
        }
        let paused = try await ask("pause")
        #expect(paused.status == 200 && paused.text("status") == "validating", "\(paused.bodyText)")
        #expect(paused.ours["paused_at"] is Int)
        #expect(try await ask("pause", Array("anything".utf8)).body == paused.body)
        #expect(try await desk.send("GET", "/v1/batches/\(id)").body == paused.body)
        let resumed = try await ask("resume", nil)
        #expect(resumed.status == 200 && resumed.ours.keys.contains("paused_at"))
        #expect(resumed.ours["paused_at"] as? Int == nil)
        #expect(try await ask("resume").body == resumed.body)
        #expect(try await ask("pause").status == 200)
        let cancelled = try await ask("cancel")
        #expect(cancelled.text("status") == "cancelling" && cancelled.ours["paused_at"] as? Int == nil)
        for verb in ["pause", "resume"] {
            let late = try await ask(verb)
            #expect(late.status == 409 && late.isProperError && late["x-should-retry"] == "false")
            #expect(late.error["message"] as? String == "Cannot \(verb) a batch with status 'cancelling'.")
        }
        try await desk.stop()
    }

    @Test func `have a priority and a lane`() async throws {
        let desk = try await RunningDesk.start()
        func make(_ more: String) async throws -> RawResponse {
            try await desk.send("POST", "/v1/batches", body: creation("file-none", more))
        }
        let plain = try await make("")
        #expect(plain.ours["priority"] as? Int == 0 && plain.ours["lane"] as? String == "normal")
        #expect(plain.bodyText.contains(#""parent_batch_id":null,"provenance_file_id":null,"webhook_url":null,"#))
        #expect(plain.bodyText.contains(#""profile":"openai","input":null,"output":null}"#))
        let urgent = try await make(#","priority":100,"lane":"background""#)
        #expect(urgent.ours["priority"] as? Int == 100 && urgent.ours["lane"] as? String == "background")
        #expect(try await make(#","priority":null,"lane":null"#).ours["lane"] as? String == "normal")
        #expect(try await make(#","priority":-100"#).ours["priority"] as? Int == -100)
        for (more, code, param) in [
            (#","priority":101"#, "integer_above_max_value", "priority"),
            (#","priority":-101"#, "integer_below_min_value", "priority"),
            (#","priority":1.5"#, "invalid_type", "priority"), (#","priority":"5""#, "invalid_type", "priority"),
            (#","priority":99999999999999999999"#, "invalid_type", "priority"),
            (#","lane":"live""#, "invalid_value", "lane"), (#","lane":"fast""#, "invalid_value", "lane"),
            (#","lane":1"#, "invalid_type", "lane"),
        ] {
            let refused = try await make(more)
            #expect(refused.status == 400 && refused.isProperError, "\(more)")
            #expect(refused.error["code"] as? String == code && refused.error["param"] as? String == param)
        }
        #expect(
            (try await make(#","lane":"live""#).error["message"] as? String)?.contains("reserved") == true)
        try await desk.stop()
    }

    @Test func `are retried with what the request changes and the rest of their parent`() async throws {
        let desk = try await RunningDesk.start()
        let (id, _) = try await ended(desk, #","priority":7,"lane":"background""#)
        func retry(_ body: String? = nil, _ headers: [String] = []) async throws -> RawResponse {
            try await desk.send("POST", "/v1/batches/\(id)/retry", headers: headers, body: body.map { Array($0.utf8) })
        }
        let child = try await retry()
        #expect(child.status == 200 && child.text("status") == "validating", "\(child.bodyText)")
        #expect(child.ours["parent_batch_id"] as? String == id && child.text("id") != id)
        #expect(child.ours["priority"] as? Int == 7 && child.ours["lane"] as? String == "background")
        #expect(child.text("completion_window") == "48h" && child.bodyText.contains(#""metadata":{"a":"b"}"#))
        let other = try await retry(
            #"{"completion_window":"24h","priority":0,"lane":"normal","metadata":{"c":"d"}}"#)
        #expect(other.text("completion_window") == "24h" && other.bodyText.contains(#""metadata":{"c":"d"}"#))
        #expect(other.ours["priority"] as? Int == 0 && other.ours["lane"] as? String == "normal")
        let once = try await retry("", ["Idempotency-Key: r1"])
        #expect(try await retry("", ["Idempotency-Key: r1"]).text("id") == once.text("id"))
        #expect(try await retry(#"{"priority":1}"#, ["Idempotency-Key: r1"]).status == 409)
        let last = try await retry()
        #expect(try await retry(nil, ["x-stainless-retry-count: 1"]).text("id") == last.text("id"))
        for (body, param) in [
            (#"{"completion_window":"1h"}"#, "completion_window"), (#"{"completion_window":1}"#, "completion_window"),
            (#"{"endpoint":"/v1/x"}"#, "endpoint"), (#"{"priority":"1"}"#, "priority"),
            (#"{"metadata":1}"#, "metadata"),
        ] {
            let refused = try await retry(body)
            #expect(refused.status == 400 && refused.isProperError && refused.error["param"] as? String == param)
        }
        for body in ["[]", "{", "null"] {
            let refused = try await retry(body)
            #expect(refused.status == 400 && refused.isProperError)
        }
        try await desk.stop()
    }

    @Test func `cannot be retried before their end, or when what failed is not known any more`() async throws {
        let desk = try await RunningDesk.start()
        let open = try #require(try await desk.send("POST", "/v1/batches", body: creation()).text("id"))
        let early = try await desk.send("POST", "/v1/batches/\(open)/retry", body: [])
        #expect(early.status == 409 && early.isProperError && early["x-should-retry"] == "false")
        _ = try await desk.send("POST", "/v1/batches/\(open)/cancel", body: [])
        _ = try await desk.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero)
        let (id, errorFile) = try await ended(desk)
        #expect(try await desk.send("DELETE", "/v1/files/\(errorFile)").status == 200)
        let late = try await desk.send("POST", "/v1/batches/\(id)/retry", body: [])
        #expect(late.status == 409 && late.isProperError)
        #expect((late.error["message"] as? String)?.contains("was deleted or has expired") == true)
        try await desk.stop()
    }

    @Test func `of other projects are not found`() async throws {
        let desk = try await RunningDesk.start()
        let id = try #require(try await desk.send("POST", "/v1/batches", body: creation()).text("id"))
        let stranger = try await desk.store.ensureProject(name: "stranger")
        try await desk.addKey("sk-stranger-0123456789", to: stranger)
        for verb in ["pause", "resume", "retry"] {
            let paths = [(id, RunningDesk.Key.of("sk-stranger-0123456789")), ("batch_nothing", .own), ("%00", .own)]
            for (name, key) in paths {
                let missing = try await desk.send("POST", "/v1/batches/\(name)/\(verb)", body: [], key: key)
                #expect(missing.status == 404 && missing.isProperError && missing["x-request-id"] != nil)
            }
            #expect(try await desk.send("POST", "/v1/batches/\(id)/\(verb)", body: [], key: .none).status == 401)
            #expect(try await desk.send("GET", "/v1/batches/\(id)/\(verb)").status == 405)
        }
        #expect(try await desk.send("GET", "/v1/batches/\(id)").ours["paused_at"] as? Int == nil)
        try await desk.stop()
    }
}
