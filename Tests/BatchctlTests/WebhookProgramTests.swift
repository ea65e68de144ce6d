// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import HTTPTesting
import ServerTesting
import Synchronization
import Testing

/// The program against a server that answers each request by its method and target.
private final class ProgramFixture: Sendable {
    /// Where the server is.
    let address: ServerAddress
    private let server: ScriptedServer
    private let seen: Requests
    private let scratch: Scratch

    private final class Requests: Sendable {
        let list = Mutex<[ScriptedRequest]>([])
    }

    /// What the server answers: the status and the text.
    typealias Answers = [String: (Int, String)]

    init(_ scratch: Scratch, _ answers: Answers) throws {
        let seen = Requests()
        server = try ScriptedServer { request, connection in
            seen.list.withLock { $0.append(request) }
            let path = request.target.split(separator: "?").first ?? ""
            let (status, text) = answers["\(request.method) \(path)"] ?? (404, #"{"error":{"message":"Unknown."}}"#)
            try connection.respond(status, text: text)
        }
        address = try ServerAddress(url: server.url(""), key: "sk-test")
        self.seen = seen
        self.scratch = scratch
    }

    /// The requests the server read.
    var requests: [ScriptedRequest] { seen.list.withLock { $0 } }

    /// One run of the program.
    func run(_ arguments: String..., secret: String? = nil) async throws -> Batchctl {
        try await Batchctl.run(
            arguments, server: address, environment: ["SHARDLINE_WEBHOOK_SECRET": secret], in: scratch)
    }
}

struct WebhookProgramTests {
    private static let endpoint =
        #"{"id":"we_1","object":"webhook_endpoint","created_at":1,"updated_at":1,"name":"n","url":"https://h/x","#
        + #""event_types":["batch.completed"],"signing_secret_hint":"whsec_…wxyz","status":"enabled","#
        + #""disabled_reason":null,"failing_since":null"#
    private static let delivery =
        #"{"id":"whd_1","object":"webhook_delivery","created_at":1,"event_id":"evt_1","event_type":"batch.failed","#
        + #""batch_id":"batch_1","webhook_endpoint_id":"we_1","target":"endpoint","url":"https://h/x","#
        + #""status":"exhausted","attempts":1,"next_attempt_at":null,"last_status_code":500,"last_latency_ms":3,"#
        + #""last_error":null,"settled_at":9"#
    private let secret = "whsec_" + String(repeating: "abcd", count: 8)

    @Test func `the secret is shown once, on standard output, with the warning beside it`() async throws {
        try await withScratch { scratch in
            let fixture = try ProgramFixture(
                scratch,
                [
                    "GET /v1/webhook_event_types": (200, #"{"object":"list","data":["batch.completed","new.type"]}"#),
                    "POST /v1/webhook_endpoints": (200, Self.endpoint + #","signing_secret":"\#(secret)"}"#),
                    "POST /v1/webhook_endpoints/we_1/rotate_secret": (
                        200, Self.endpoint + #","signing_secret":"\#(secret)"}"#
                    ),
                    "GET /v1/webhook_endpoints/we_1": (200, Self.endpoint + "}"),
                ])
            let made = try await fixture.run("webhooks", "create", "https://h.example/x")
            #expect(made.status == 0 && made.output == "we_1  \(secret)\n")
            #expect(made.errors.contains("will not be shown again") && !made.errors.contains(secret))
            #expect(
                fixture.requests[1].text
                    == #"{"name":"h.example","url":"https://h.example/x","event_types":["batch.completed","new.type"]}"#
            )
            let few = try await fixture.run(
                "webhooks", "create", "https://h/x", "--name", "n", "--types", "batch.failed", "--json", "--quiet")
            #expect(few.output.contains(#""signing_secret":"\#(secret)""#) && few.errors.isEmpty)
            #expect(
                fixture.requests[2].text == #"{"name":"n","url":"https://h/x","event_types":["batch.failed"]}"#)
            let rotated = try await fixture.run("webhooks", "rotate", "we_1", "--keep-old")
            #expect(rotated.status == 0 && rotated.output == secret + "\n")
            #expect(rotated.errors.contains("will not be shown again") && rotated.errors.contains("24 hours"))
            let shown = try await fixture.run("webhooks", "show", "we_1")
            #expect(shown.output.contains("whsec_…wxyz") && !shown.output.contains(secret))
        }
    }

    @Test func `endpoints are listed, changed, switched and deleted`() async throws {
        try await withScratch { scratch in
            let fixture = try ProgramFixture(
                scratch,
                [
                    "GET /v1/webhook_endpoints": (
                        200, #"{"object":"list","data":[\#(Self.endpoint)}],"has_more":false}"#
                    ),
                    "POST /v1/webhook_endpoints/we_1": (200, Self.endpoint + "}"),
                    "DELETE /v1/webhook_endpoints/we_1": (
                        200, #"{"id":"we_1","object":"webhook_endpoint.deleted","deleted":true}"#
                    ),
                ])
            let list = try await fixture.run("webhooks", "list")
            #expect(
                list.output == """
                    ID    STATUS   NAME  URL          TYPES
                    we_1  enabled  n     https://h/x  batch.completed

                    """)
            #expect(
                try await fixture.run("webhooks", "update", "we_1", "--to", "https://i").output == "we_1  enabled\n")
            #expect(try await fixture.run("webhooks", "disable", "we_1").status == 0)
            #expect(try await fixture.run("webhooks", "enable", "we_1").status == 0)
            #expect(
                fixture.requests.dropFirst().map(\.text) == [
                    #"{"url":"https://i"}"#, #"{"status":"disabled"}"#, #"{"status":"enabled"}"#,
                ])
            let deleted = try await fixture.run("webhooks", "delete", "we_1", "we_2")
            #expect(deleted.output == "we_1  deleted\n" && deleted.status == 3 && deleted.errors.contains("we_2"))
        }
    }

    @Test func `a trial that the receiver does not accept has a status of its own`() async throws {
        try await withScratch { scratch in
            func answer(_ code: Int) -> String {
                #"{"object":"webhook_endpoint.test","event_type":"batch.completed","status_code":\#(code),"#
                    + #""success":true,"webhook_endpoint_id":"we_1"}"#
            }
            let fixture = try ProgramFixture(
                scratch,
                [
                    "POST /v1/webhook_endpoints/we_1/test": (200, answer(204)),
                    "POST /v1/webhook_endpoints/we_2/test": (200, answer(410)),
                    "POST /v1/webhook_endpoints/we_3/test": (
                        400,
                        #"{"error":{"message":"No answer from h: connection refused.","#
                            + #""type":"invalid_request_error","param":null,"code":"endpoint_unreachable"}}"#
                    ),
                ])
            let accepted = try await fixture.run("webhooks", "test", "we_1")
            #expect(accepted.status == 0 && accepted.output == "we_1  HTTP 204\n" && accepted.errors.isEmpty)
            let refused = try await fixture.run("webhooks", "test", "we_2", "--type", "batch.failed")
            #expect(refused.status == 10 && refused.output.hasSuffix("HTTP 410\n"))
            #expect(refused.errors.contains("HTTP 410"))
            #expect(fixture.requests.last?.text == #"{"event_type":"batch.failed"}"#)
            let silent = try await fixture.run("webhooks", "test", "we_3")
            #expect(silent.status == 10 && silent.output.isEmpty && silent.errors.contains("connection refused"))
            #expect(try await fixture.run("webhooks", "test", "we_4").status == 3)
        }
    }

    @Test func `deliveries are listed, shown with their attempts and sent again`() async throws {
        try await withScratch { scratch in
            let log =
                #","attempt_log":[{"attempt":1,"at":5,"status_code":500,"latency_ms":3,"error":null,"#
                + #""answer":"oh\u001b[2J no"}]}"#
            let fixture = try ProgramFixture(
                scratch,
                [
                    "GET /v1/webhook_deliveries": (
                        200, #"{"object":"list","data":[\#(Self.delivery)}],"has_more":false}"#
                    ),
                    "GET /v1/webhook_deliveries/whd_1": (200, Self.delivery + log),
                    "POST /v1/webhook_deliveries/whd_1/replay": (200, Self.delivery + "}"),
                    "POST /v1/webhook_deliveries/replay": (200, #"{"object":"webhook_replay","replayed":1}"#),
                ])
            let list = try await fixture.run(
                "webhooks", "deliveries", "--endpoint", "we_1", "--batch", "batch_1", "--status", "exhausted")
            #expect(list.output.contains("whd_1  exhausted  batch.failed  batch_1  we_1         1  HTTP 500 in 3 ms"))
            #expect(
                fixture.requests[0].target
                    == "/v1/webhook_deliveries?endpoint_id=we_1&batch_id=batch_1&status=exhausted&limit=20")
            let shown = try await fixture.run("webhooks", "show", "whd_1")
            #expect(shown.output.contains("oh?[2J no") && shown.output.hasPrefix("whd_1  exhausted\n"))
            #expect(try await fixture.run("webhooks", "show", "whd_1", "--json").output == Self.delivery + log + "\n")
            #expect(try await fixture.run("webhooks", "replay", "whd_1").output == "whd_1  exhausted\n")
            let replayed = try await fixture.run(
                "webhooks", "replay", "--endpoint", "we_1", "--since", "2026-11-21T03:02:11Z", "--missed")
            #expect(replayed.output == "1 delivery to be sent again\n")
            #expect(
                fixture.requests.last?.text
                    == #"{"endpoint_id":"we_1","since":1795230131,"until":null,"status":"exhausted","missed":true}"#)
        }
    }

    @Test func `submit sends the webhook, its secret from the file or else from the environment`() async throws {
        try await withScratch { scratch in
            let batch = #"{"id":"batch_1","object":"batch","endpoint":"/v1/x","status":"validating","created_at":1}"#
            let fixture = try ProgramFixture(scratch, ["POST /v1/batches": (200, batch)])
            let file = try scratch.write(secret + "\n", to: "secret")
            let other = "whsec_" + String(repeating: "wxyz", count: 8)
            let start = #"{"input_file_id":"f","endpoint":"/v1/x","completion_window":"24h""#
            func submit(_ more: [String], secret: String? = nil) async throws -> String? {
                let run = try await Batchctl.run(
                    ["submit", "--file-id", "f", "--endpoint", "/v1/x"] + more, server: fixture.address,
                    environment: ["SHARDLINE_WEBHOOK_SECRET": secret], in: scratch)
                #expect(run.status == 0 && run.output == "batch_1\n", "\(run.errors)")
                return fixture.requests.last?.text
            }
            let url = #""webhook":{"url":"https://h/x""#
            #expect(try await submit([], secret: other) == start + "}")
            #expect(try await submit(["--webhook", "https://h/x"]) == "\(start),\(url)}}")
            #expect(
                try await submit(["--webhook", "https://h/x"], secret: other)
                    == #"\#(start),\#(url),"secret":"\#(other)"}}"#)
            #expect(
                try await submit(["--webhook", "https://h/x", "--webhook-secret-file", file], secret: other)
                    == #"\#(start),\#(url),"secret":"\#(secret)"}}"#)
        }
    }

    @Test func `a secret that is none is told before anything is uploaded, and is not repeated`() async throws {
        try await withScratch { scratch in
            let fixture = try ProgramFixture(scratch, [:])
            let input = try scratch.write(#"{"custom_id":"a","url":"/v1/x"}"#, to: "input.jsonl")
            let file = try scratch.write("hunter2", to: "secret")
            let wrong = try await fixture.run("submit", input, "--webhook", "https://h", "--webhook-secret-file", file)
            #expect(wrong.status == 7 && wrong.errors.contains(file) && !wrong.errors.contains("hunter2"))
            let missing = try await fixture.run(
                "submit", input, "--webhook", "https://h", "--webhook-secret-file", file + "x")
            #expect(missing.status == 7)
            let variable = try await fixture.run("submit", input, "--webhook", "https://h", secret: "hunter2")
            #expect(variable.status == 64 && variable.errors.contains("SHARDLINE_WEBHOOK_SECRET"))
            #expect(!variable.errors.contains("hunter2") && fixture.requests.isEmpty)
        }
    }
}
