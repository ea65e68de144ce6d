// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation

/// The shared secret of a webhook endpoint, and signatures made with it. (contracts: Standard Webhooks delivery)
package struct WebhookSecret: Sendable {
    private let key: SymmetricKey

    /// Fewest bytes of a secret.
    package static let bytesMin = 24
    /// Most bytes of a secret.
    package static let bytesMax = 64

    /// Reads `whsec_` followed by standard base64 with padding of 24…64 bytes; nil for anything else.
    package init?(_ text: String) {
        guard text.hasPrefix("whsec_"), let bytes = Data(base64Encoded: String(text.dropFirst("whsec_".count))),
            (Self.bytesMin...Self.bytesMax).contains(bytes.count)
        else { return nil }
        key = SymmetricKey(data: bytes)
    }

    /// The `webhook-signature` entry for one attempt: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`.
    ///
    /// - Parameters:
    ///   - id: the event's id, the same on every attempt; contains no `.`.
    ///   - timestamp: Unix seconds, fresh for each attempt.
    ///   - body: the exact bytes sent.
    package func signature(id: String, timestamp: Int64, body: [UInt8]) -> String {
        var mac = HMAC<SHA256>(key: key)
        mac.update(data: Data("\(id).\(timestamp).".utf8))
        mac.update(data: body)
        return "v1," + Data(mac.finalize()).base64EncodedString()
    }
}
