// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Testing

@testable import BatchAPI

@Suite struct `The delivery log over the wire` {
    @Test func `shows every delivery with its attempts`() async throws {
        let desk = try await RunningDesk.start()
        let endpoint = try #require(try await desk.endpoint().text("id"))
        let (batch, event) = try await desk.ended(#","webhook":{"url":"https://example.org/b"}"#)
        _ = try await desk.store.dispatchEvents(to: StandingReceivers(serverURL: "http://o/", sinks: ["s"]))
        let list = try await desk.ask("GET", "/v1/webhook_deliveries")
        #expect(list.status == 200 && list.elements.count == 2, "\(list.bodyText)")
        #expect(Set(list.elements.compactMap { $0["target"] as? String }) == ["endpoint", "batch"])
        let keys = """
            id object created_at event_id event_type batch_id webhook_endpoint_id target url status attempts
            next_attempt_at last_status_code last_latency_ms last_error settled_at
            """.split(whereSeparator: \.isWhitespace).map(String.init)
        #expect(list.elements.allSatisfy { Set($0.keys) == Set(keys) })
        #expect(list.elements.allSatisfy { $0["batch_id"] as? String == batch })
        #expect(list.elements.allSatisfy { $0["event_id"] as? String == event.rawValue })
        try await desk.settleAll(.again(after: .seconds(300)))
        let id = try #require(
            try await desk.ask("GET", "/v1/webhook_deliveries?endpoint_id=\(endpoint)").ids.first)
        let shown = try await desk.ask("GET", "/v1/webhook_deliveries/\(id)")
        #expect(shown.text("object") == "webhook_delivery" && shown.text("status") == "pending")
        #expect(shown.text("webhook_endpoint_id") == endpoint && shown.object["attempts"] as? Int == 1)
        #expect(shown.object["last_status_code"] as? Int == 500 && shown.object["last_latency_ms"] as? Int == 7)
        let log = try #require(shown.object["attempt_log"] as? [[String: Any]])
        #expect(log.count == 1 && log[0]["attempt"] as? Int == 1 && log[0]["answer"] as? String == "hi\u{FFFD}")
        #expect(log[0]["status_code"] as? Int == 500 && log[0]["latency_ms"] as? Int == 7 && log[0]["at"] is Int)
        #expect(log[0]["error"] as? String == "the receiver answered 500")
        try await desk.stop()
    }

    @Test func `is listed newest first, by what is asked for`() async throws {
        let desk = try await RunningDesk.start()
        let endpoint = try #require(try await desk.endpoint().text("id"))
        var batches: [String] = []
        for _ in 0..<3 { batches.append(try await desk.ended().batch) }
        _ = try await desk.store.dispatchEvents(to: StandingReceivers())
        let path = "/v1/webhook_deliveries"
        let first = try await desk.ask("GET", "\(path)?limit=2")
        #expect(first.elements.compactMap { $0["batch_id"] as? String } == [batches[2], batches[1]])
        #expect(first.object["has_more"] as? Bool == true)
        let rest = try await desk.ask("GET", "\(path)?after=\(first.ids[1])&endpoint_id=\(endpoint)&status=pending")
        #expect(rest.elements.compactMap { $0["batch_id"] as? String } == [batches[0]])
        let event = try #require(rest.elements.first?["event_id"] as? String)
        for (query, count) in [
            ("batch_id=\(batches[0])", 1), ("event_id=\(event)", 1), ("event_id=\(event)&batch_id=\(batches[1])", 0),
            ("status=delivered", 0), ("endpoint_id=we_nothing", 0), ("limit=100", 3),
        ] {
            #expect(try await desk.ask("GET", "\(path)?\(query)").elements.count == count, "\(query)")
        }
        for (query, param) in [
            ("status=lost", "status"), ("limit=0", "limit"), ("limit=101", "limit"), ("after=whd_nothing", "after"),
            ("after=%20", "after"),
        ] {
            #expect(try await desk.ask("GET", "\(path)?\(query)").isRefusal(400, param: param), "\(query)")
        }
        try await desk.stop()
    }

    @Test func `has replays of one delivery and of a range`() async throws {
        let desk = try await RunningDesk.start()
        let missed = try await desk.published()
        let endpoint = try #require(try await desk.endpoint().text("id"))
        let event = try await desk.published()
        try await desk.settleAll(.exhausted)
        let path = "/v1/webhook_deliveries"
        let ended = try #require(try await desk.ask("GET", "\(path)?status=exhausted").elements.first)
        let id = try #require(ended["id"] as? String)
        let replayed = try await desk.ask("POST", "\(path)/\(id)/replay", "")
        #expect(replayed.status == 200 && replayed.text("status") == "pending", "\(replayed.bodyText)")
        #expect(replayed.text("event_id") == event.rawValue && replayed.object["next_attempt_at"] is Int)
        try await desk.settleAll(.delivered)
        func replay(_ more: String) async throws -> Int? {
            let answer = try await desk.ask("POST", "\(path)/replay", #"{"endpoint_id":"\#(endpoint)",\#(more)}"#)
            #expect(answer.text("object") == "webhook_replay" && answer.text("webhook_endpoint_id") == endpoint)
            return answer.object["replayed"] as? Int
        }
        #expect(try await replay(#""since":0"#) == 0)
        #expect(try await replay(#""since":0,"until":1,"status":"all","missed":true"#) == 0)
        #expect(try await replay(#""since":0,"until":null,"status":"delivered""#) == 1)
        #expect(try await replay(#""since":0,"missed":true"#) == 1)
        let pending = try await desk.ask("GET", "\(path)?status=pending").elements
        #expect(Set(pending.compactMap { $0["event_id"] as? String }) == [missed.rawValue, event.rawValue])
        try await desk.settleAll(.exhausted)
        #expect(
            try await desk.ask("POST", "/v1/webhook_endpoints/\(endpoint)", #"{"status":"disabled"}"#).status == 200)
        #expect(try await desk.ask("POST", "\(path)/\(id)/replay", "").isRefusal(409))
        let late = try await desk.ask("POST", "\(path)/replay", #"{"endpoint_id":"\#(endpoint)","since":0}"#)
        #expect(late.isRefusal(409))
        #expect(try await desk.ask("DELETE", "/v1/webhook_endpoints/\(endpoint)").status == 200)
        #expect(try await desk.ask("POST", "\(path)/\(id)/replay", "").isRefusal(409))
        #expect(try await desk.ask("GET", "\(path)/\(id)").status == 200)
        try await desk.stop()
    }

    @Test func `refuses replays that are not well asked for`() async throws {
        let desk = try await RunningDesk.start()
        let path = "/v1/webhook_deliveries/replay"
        for (text, param) in [
            (#"{"since":0}"#, "endpoint_id"), (#"{"endpoint_id":"we_x"}"#, "since"),
            (#"{"endpoint_id":1,"since":0}"#, "endpoint_id"), (#"{"endpoint_id":"we_x","since":-1}"#, "since"),
            (#"{"endpoint_id":"we_x","since":"0"}"#, "since"), (#"{"endpoint_id":"we_x","since":1e3}"#, "since"),
            (#"{"endpoint_id":"we_x","since":99999999999999}"#, "since"),
            (#"{"endpoint_id":"we_x","since":0,"until":"now"}"#, "until"),
            (#"{"endpoint_id":"we_x","since":0,"status":"pending"}"#, "status"),
            (#"{"endpoint_id":"we_x","since":0,"missed":1}"#, "missed"),
            (#"{"endpoint_id":"we_x","since":0,"all":true}"#, "all"),
            (#"{"endpoint_id":"\u0000","since":0}"#, "endpoint_id"),
        ] {
            let refused = try await desk.ask("POST", path, text)
            #expect(refused.isRefusal(400, param: param), "\(text): \(refused.bodyText)")
        }
        #expect(try await desk.ask("POST", path, "[]").isRefusal(400))
        #expect(try await desk.ask("POST", path, #"{"endpoint_id":"we_x","since":0}"#).isRefusal(404))
        try await desk.stop()
    }

    @Test func `is the project's own`() async throws {
        let desk = try await RunningDesk.start()
        let endpoint = try #require(try await desk.endpoint().text("id"))
        _ = try await desk.ended()
        _ = try await desk.store.dispatchEvents(to: StandingReceivers(serverURL: "http://o/"))
        let id = try #require(try await desk.ask("GET", "/v1/webhook_deliveries").ids.first)
        let stranger = try await desk.stranger()
        for (name, key) in [(id, stranger), ("whd_nothing", .own), ("%00", .own)] {
            #expect(try await desk.ask("GET", "/v1/webhook_deliveries/\(name)", key: key).isRefusal(404))
            #expect(try await desk.ask("POST", "/v1/webhook_deliveries/\(name)/replay", "", key: key).isRefusal(404))
        }
        #expect(try await desk.ask("GET", "/v1/webhook_deliveries", key: stranger).ids.isEmpty)
        #expect(
            try await desk.ask("GET", "/v1/webhook_deliveries?endpoint_id=\(endpoint)", key: stranger).ids.isEmpty)
        let body = #"{"endpoint_id":"\#(endpoint)","since":0}"#
        #expect(try await desk.ask("POST", "/v1/webhook_deliveries/replay", body, key: stranger).isRefusal(404))
        try await desk.stop()
    }
}
