// SPDX-License-Identifier: Apache-2.0
import BatchWebhook

/// A notice as a receiver gets it: one attempt of a delivery. (contracts: Standard Webhooks delivery)
struct NoticeRequest: Hashable, Sendable {
    /// The path it was sent to, which names the receiver.
    var path: String
    /// `webhook-id`; empty when there is none.
    var id: String
    /// `webhook-timestamp`; empty when there is none.
    var timestamp: String
    /// `webhook-signature`; empty when there is none.
    var signature: String
    /// The exact bytes.
    var body: [UInt8]
    /// The sender's port.
    var senderPort: UInt16
    /// When it was there as a whole, in microseconds since 1970, by the clock that the database reads too.
    var at: Int64

    /// Reads the head fields out of a whole request.
    init(_ request: BackendRequest, _ bytes: UnsafeRawBufferPointer, senderPort: UInt16, at: Int64) {
        path = request.path
        body = Array(bytes[request.body])
        self.senderPort = senderPort
        self.at = at
        var fields: [String: String] = [:]
        let head = String(decoding: bytes[..<request.body.lowerBound], as: UTF8.self)
        for line in head.split(whereSeparator: \.isNewline) {
            let pair = line.split(separator: ":", maxSplits: 1)
            guard pair.count == 2 else { continue }
            fields[pair[0].lowercased()] = String(pair[1].drop { $0 == " " })
        }
        id = fields["webhook-id"] ?? ""
        timestamp = fields["webhook-timestamp"] ?? ""
        signature = fields["webhook-signature"] ?? ""
    }

    /// Whether whoever has `secret` takes it for genuine.
    func isSigned(with secret: WebhookSecret) -> Bool {
        guard let moment = Int64(timestamp) else { return false }
        return signature.split(separator: " ")
            .contains { $0 == secret.signature(id: id, timestamp: moment, body: body) }
    }
}
