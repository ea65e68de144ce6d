// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import BatchWebhook
import Foundation
import HTTPTesting
import Synchronization
import Testing

@testable import BatchAPI

@Suite struct `Webhook endpoints over the wire` {
    @Test func `are made, shown without their secret, changed and deleted`() async throws {
        let desk = try await RunningDesk.start()
        let made = try await desk.endpoint(types: #""batch.failed","batch.completed","batch.failed""#)
        #expect(made.status == 200 && made.text("object") == "webhook_endpoint", "\(made.bodyText)")
        let id = try #require(made.text("id"))
        let secret = try #require(made.text("signing_secret"))
        #expect(id.hasPrefix("we_") && WebhookSecret(secret) != nil && secret.hasPrefix("whsec_"))
        #expect(made.text("signing_secret_hint") == "whsec_…" + secret.suffix(4))
        #expect(made.object["event_types"] as? [String] == ["batch.failed", "batch.completed"])
        #expect(made.text("status") == "enabled" && made.bodyText.contains(#""disabled_reason":null"#))
        let shown = try await desk.ask("GET", "/v1/webhook_endpoints/\(id)")
        #expect(shown.status == 200 && !shown.bodyText.contains(secret) && shown.text("signing_secret") == nil)
        #expect(Set(shown.object.keys) == Set(made.object.keys).subtracting(["signing_secret"]))
        let changed = try await desk.ask(
            "POST", "/v1/webhook_endpoints/\(id)",
            #"{"name":"new","url":"http://example.com/","event_types":["batch.expired"],"status":"disabled"}"#)
        #expect(changed.text("name") == "new" && changed.text("url") == "http://example.com/")
        #expect(changed.object["event_types"] as? [String] == ["batch.expired"])
        #expect(changed.text("status") == "disabled" && changed.text("disabled_reason") != nil)
        let enabled = try await desk.ask("POST", "/v1/webhook_endpoints/\(id)", #"{"status":"enabled"}"#)
        #expect(enabled.text("status") == "enabled" && enabled.text("name") == "new")
        #expect(try await desk.ask("POST", "/v1/webhook_endpoints/\(id)", "").body == enabled.body)
        let deleted = try await desk.ask("DELETE", "/v1/webhook_endpoints/\(id)")
        #expect(deleted.bodyText == #"{"id":"\#(id)","object":"webhook_endpoint.deleted","deleted":true}"#)
        #expect(try await desk.ask("GET", "/v1/webhook_endpoints/\(id)").isRefusal(404))
        try await desk.stop()
    }

    @Test func `are listed in pages, and the types there are, too`() async throws {
        let desk = try await RunningDesk.start()
        let empty = try await desk.ask("GET", "/v1/webhook_endpoints")
        #expect(empty.ids.isEmpty && empty.object["has_more"] as? Bool == false)
        var ids: [String] = []
        for _ in 0..<3 { ids.insert(try #require(try await desk.endpoint().text("id")), at: 0) }
        let first = try await desk.ask("GET", "/v1/webhook_endpoints?limit=2")
        #expect(first.ids == Array(ids[..<2]) && first.object["has_more"] as? Bool == true)
        let rest = try await desk.ask("GET", "/v1/webhook_endpoints?after=\(ids[1])")
        #expect(rest.ids == [ids[2]] && rest.text("first_id") == ids[2] && rest.text("last_id") == ids[2])
        #expect(!rest.bodyText.contains(#""signing_secret":"#))
        for (query, param) in [("limit=0", "limit"), ("limit=101", "limit"), ("after=we_nothing", "after")] {
            #expect(try await desk.ask("GET", "/v1/webhook_endpoints?\(query)").isRefusal(400, param: param))
        }
        let types = try await desk.ask("GET", "/v1/webhook_event_types")
        #expect(
            types.object["data"] as? [String] == [
                "batch.completed", "batch.failed", "batch.expired", "batch.cancelled",
            ])
        try await desk.stop()
    }

    @Test func `that cannot be are refused with what is wrong`() async throws {
        var limits = Limits()
        limits.webhookEndpointsMax = 1
        let desk = try await RunningDesk.start(limits: limits)
        let path = "/v1/webhook_endpoints"
        func body(name: String = #""n""#, url: String = #""https://example.com/""#, types: String, _ more: String = "")
            -> String
        { #"{"name":\#(name),"url":\#(url),"event_types":\#(types)\#(more)}"# }
        let good = #"["batch.failed"]"#
        for (text, code, param) in [
            (#"{"name":"n","event_types":["batch.failed"]}"#, "missing_required_parameter", "url"),
            (#"{"name":"n","url":"https://example.com/"}"#, "missing_required_parameter", "event_types"),
            (#"{"url":"https://example.com/","event_types":["batch.failed"]}"#, "missing_required_parameter", "name"),
            (body(name: "1", types: good), "invalid_type", "name"),
            (body(name: #""""#, types: good), "invalid_value", "name"),
            (body(name: "\"\(String(repeating: "n", count: 257))\"", types: good), "invalid_value", "name"),
            (body(name: #""\u0000""#, types: good), "invalid_value", "name"),
            (body(url: "1", types: good), "invalid_type", "url"),
            (body(url: #""ftp://example.com/""#, types: good), "invalid_value", "url"),
            (body(url: #""https://user:pass@example.com/""#, types: good), "invalid_value", "url"),
            (body(types: "[]"), "invalid_value", "event_types"), (body(types: "1"), "invalid_type", "event_types"),
            (body(types: #"["batch.started"]"#), "invalid_value", "event_types[0]"),
            (body(types: "[1]"), "invalid_type", "event_types[0]"),
            (body(types: good, #","status":"enabled""#), "unknown_parameter", "status"),
        ] {
            let refused = try await desk.ask("POST", path, text)
            #expect(refused.isRefusal(400, code: code, param: param), "\(text): \(refused.bodyText)")
        }
        for text in ["", "[]", "{", "null"] { #expect(try await desk.ask("POST", path, text).isRefusal(400)) }
        let id = try #require(try await desk.endpoint().text("id"))
        #expect(try await desk.endpoint().isRefusal(400, code: "webhook_endpoint_limit_exceeded"))
        for (text, param) in [
            (#"{"status":"paused"}"#, "status"), (#"{"status":true}"#, "status"), (#"{"url":null}"#, "url"),
            (#"{"secret":"x"}"#, "secret"), (#"{"event_types":[]}"#, "event_types"),
        ] {
            let refused = try await desk.ask("POST", "\(path)/\(id)", text)
            #expect(refused.isRefusal(400, param: param), "\(text): \(refused.bodyText)")
        }
        try await desk.stop()
    }

    @Test func `of other projects are not found`() async throws {
        let desk = try await RunningDesk.start()
        let id = try #require(try await desk.endpoint().text("id"))
        let shown = try await desk.ask("GET", "/v1/webhook_endpoints/\(id)")
        let stranger = try await desk.stranger()
        for (name, key) in [(id, stranger), ("we_nothing", .own), ("%00", .own)] {
            for (method, path, body) in [
                ("GET", "", nil), ("POST", "", #"{"status":"disabled"}"#), ("DELETE", "", nil),
                ("POST", "/rotate_secret", ""), ("POST", "/test", #"{"event_type":"batch.failed"}"#),
            ] as [(String, String, String?)] {
                let missing = try await desk.ask(method, "/v1/webhook_endpoints/\(name)\(path)", body, key: key)
                #expect(missing.isRefusal(404), "\(method) \(path) \(missing.bodyText)")
            }
        }
        #expect(try await desk.ask("GET", "/v1/webhook_endpoints", key: stranger).ids.isEmpty)
        let after = try await desk.ask("GET", "/v1/webhook_endpoints?after=\(id)", key: stranger)
        #expect(after.isRefusal(400, param: "after"))
        #expect(try await desk.ask("GET", "/v1/webhook_endpoints/\(id)").body == shown.body)
        try await desk.stop()
    }

    @Test func `get a new secret, which signs beside the old one when that is asked for`() async throws {
        let seen = Mutex<[String]>([])
        let server = try ScriptedServer { request, connection in
            seen.withLock { $0.append(request.header("webhook-signature") ?? "") }
            try connection.respond(204, text: "")
        }
        let desk = try await RunningDesk.start()
        let made = try await desk.endpoint(url: server.url("/hook"))
        let id = try #require(made.text("id"))
        let path = "/v1/webhook_endpoints/\(id)"
        let second = try await desk.ask(
            "POST", "\(path)/rotate_secret", #"{"keep_old_secret_active_for_24_hours":true}"#)
        #expect(second.text("signing_secret") != nil && second.text("signing_secret") != made.text("signing_secret"))
        let type = #"{"event_type":"batch.failed"}"#
        #expect(try await desk.ask("POST", "\(path)/test", type).status == 200)
        let third = try await desk.ask("POST", "\(path)/rotate_secret", "")
        #expect(third.text("signing_secret") != second.text("signing_secret"))
        #expect(try await desk.ask("POST", "\(path)/test", type).status == 200)
        #expect(seen.withLock { $0.map { $0.split(separator: " ").count } } == [2, 1])
        for text in [#"{"keep_old_secret_active_for_24_hours":"yes"}"#, #"{"keep":true}"#] {
            #expect(try await desk.ask("POST", "\(path)/rotate_secret", text).isRefusal(400))
        }
        let same = try await desk.ask(
            "POST", "\(path)/rotate_secret", #"{"keep_old_secret_active_for_24_hours":null}"#)
        #expect(same.status == 200)
        try await desk.stop()
    }

    @Test func `are tested with a signed sample, whatever the receiver answers`() async throws {
        let requests = Mutex<[ScriptedRequest]>([])
        let server = try ScriptedServer { request, connection in
            requests.withLock { $0.append(request) }
            try connection.respond(request.target == "/good" ? 204 : 500, text: "no")
        }
        let desk = try await RunningDesk.start()
        func test(_ path: String, _ body: String = #"{"event_type":"batch.expired"}"#) async throws -> RawResponse {
            let made = try await desk.endpoint(url: path)
            let id = try #require(made.text("id"))
            let answer = try await desk.ask("POST", "/v1/webhook_endpoints/\(id)/test", body)
            let after = try await desk.ask("GET", "/v1/webhook_endpoints/\(id)")
            #expect(after.object["updated_at"] as? Int == made.object["updated_at"] as? Int)
            #expect(after.bodyText.contains(#""failing_since":null"#))
            guard let request = requests.withLock({ $0.popLast() }) else { return answer }
            let secret = try #require(made.text("signing_secret").flatMap { WebhookSecret($0) })
            let event = try #require(request.header("webhook-id"))
            let time = try #require(request.header("webhook-timestamp").flatMap { Int64($0) })
            let signature = secret.signature(id: event, timestamp: time, body: request.body)
            #expect(request.header("webhook-signature") == signature && request.text.contains(event))
            #expect(request.text.contains(#""type":"batch.expired""#))
            #expect(answer.text("webhook_endpoint_id") == id && answer.text("object") == "webhook_endpoint.test")
            return answer
        }
        let good = try await test(server.url("/good"))
        #expect(good.status == 200 && good.object["status_code"] as? Int == 204, "\(good.bodyText)")
        #expect(good.object["success"] as? Bool == true && good.text("event_type") == "batch.expired")
        let bad = try await test(server.url("/bad"))
        #expect(bad.status == 200 && bad.object["status_code"] as? Int == 500)
        let closed = try ScriptedServer { _, connection in connection.close() }
        let silent = try await test(closed.url("/"))
        #expect(silent.isRefusal(400, code: "endpoint_unreachable"), "\(silent.bodyText)")
        let inside = try await desk.endpoint(url: "http://127.0.0.2:\(closed.port)/")
        #expect(inside.isRefusal(400, code: "address_not_allowed", param: "url"), "\(inside.bodyText)")
        for (text, param) in [("", "event_type"), (#"{"event_type":"batch.x"}"#, "event_type")] {
            #expect(try await test(server.url("/good"), text).isRefusal(400, param: param))
        }
        #expect(try await desk.ask("GET", "/v1/webhook_deliveries").ids.isEmpty)
        try await desk.stop()
    }

    @Test func `need a sealing key for their secrets`() async throws {
        let desk = try await RunningDesk.start(hasSealingKey: false)
        #expect(try await desk.endpoint().isRefusal(400, code: "sealing_key_missing"))
        let id = EndpointID.random()
        _ = try await desk.store.insertEndpoint(
            WebhookEndpoint(
                id: id, project: desk.project, name: "n", url: "https://example.com/", eventTypes: [.batchFailed],
                secretHint: "h", createdAt: 0, updatedAt: 0), secret: [1], limit: 1)
        for (path, body) in [("rotate_secret", ""), ("test", #"{"event_type":"batch.failed"}"#)] {
            let refused = try await desk.ask("POST", "/v1/webhook_endpoints/\(id)/\(path)", body)
            #expect(refused.isRefusal(400, code: "sealing_key_missing"), "\(refused.bodyText)")
        }
        #expect(try await desk.ask("POST", "/v1/webhook_endpoints/\(id)", #"{"name":"m"}"#).status == 200)
        #expect(try await desk.ask("DELETE", "/v1/webhook_endpoints/\(id)").status == 200)
        try await desk.stop()
    }
}
