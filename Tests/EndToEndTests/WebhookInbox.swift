// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import HTTPTesting
import ServerTesting
import Synchronization

/// A receiver of webhooks that keeps what it gets and answers as it is told.
final class WebhookInbox: Sendable {
    private let kept: Kept
    private let server: ScriptedServer

    private final class Kept: Sendable {
        let requests = Mutex<[ScriptedRequest]>([])
        let status: Atomic<Int>

        init(status: Int) { self.status = Atomic(status) }
    }

    /// An open inbox on loopback that answers `status`.
    init(status: Int = 204) throws {
        let kept = Kept(status: status)
        self.kept = kept
        server = try ScriptedServer { request, connection in
            kept.requests.withLock { $0.append(request) }
            try connection.respond(kept.status.load(ordering: .relaxed), text: "")
        }
    }

    /// Everything so far.
    var requests: [ScriptedRequest] { kept.requests.withLock { $0 } }

    /// The URL of one of its paths.
    func url(_ path: String = "/hook") -> String { server.url(path) }

    /// From now on the answer is another.
    func answer(_ status: Int) { kept.status.store(status, ordering: .relaxed) }

    /// Waits until so many requests have come, and returns them.
    func requests(_ count: Int) async throws -> [ScriptedRequest] {
        try await eventually("\(count) requests at the receiver") {
            let requests = requests
            return requests.count >= count ? requests : nil
        }
    }
}

extension ScriptedRequest {
    /// Whether a secret's owner takes the signature for genuine, computed here from the text of Standard Webhooks.
    func isSigned(with secret: String) -> Bool {
        guard let id = header("webhook-id"), let time = header("webhook-timestamp"),
            let key = Data(base64Encoded: String(secret.dropFirst("whsec_".count)))
        else { return false }
        let mac = HMAC<SHA256>.authenticationCode(
            for: Data("\(id).\(time).".utf8) + Data(body), using: SymmetricKey(data: key))
        let expected = "v1," + Data(mac).base64EncodedString()
        return header("webhook-signature")?.split(separator: " ").contains { $0 == expected } ?? false
    }

    /// The body as some JSON object.
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: Data(body))
    }
}

/// An event as receivers see it.
struct EventView: Decodable, Hashable {
    /// What it tells of the batch.
    struct Content: Decodable, Hashable {
        let id: String
        let status: String
        let output_file_id: String?
    }

    let id: String
    let type: String
    let data: Content
}

/// A delivery as its log shows it.
struct DeliveryView: Decodable, Hashable {
    /// One attempt.
    struct Attempt: Decodable, Hashable {
        let attempt: Int
        let status_code: Int?
        let error: String?
    }

    /// A list of them.
    struct List: Decodable {
        let data: [DeliveryView]
    }

    let id: String
    let event_id: String
    let batch_id: String
    let target: String
    let url: String
    let status: String
    let attempts: Int
    let last_error: String?
    let attempt_log: [Attempt]?
}

extension ServerAddress {
    /// The deliveries that tell of a batch, once there are any and all of them fulfil a condition.
    func deliveries(
        of batch: String, reaching what: String, _ condition: (DeliveryView) -> Bool
    ) async throws -> [DeliveryView] {
        try await eventually("deliveries of \(batch) \(what)") {
            let list = try await get("/v1/webhook_deliveries?batch_id=\(batch)").decode(DeliveryView.List.self).data
            return !list.isEmpty && list.allSatisfy(condition) ? list : nil
        }
    }

    /// A delivery with its attempts.
    func delivery(_ id: String) async throws -> DeliveryView {
        try await get("/v1/webhook_deliveries/\(id)").decode(DeliveryView.self)
    }
}
