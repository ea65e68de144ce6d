// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation

/// The shared secret of a webhook endpoint, and signatures made with it. (contracts: Standard Webhooks delivery)
///
/// Describes itself by its hint, so that it does not end in a log.
package struct WebhookSecret: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// The whole secret, `whsec_` and standard base64 with padding: shown once, and sealed where it is stored.
    package let text: String
    private let key: [UInt8]

    /// Fewest bytes of a secret.
    package static let bytesMin = 24
    /// Most bytes of a secret.
    package static let bytesMax = 64
    /// Bytes of a secret made here.
    package static let bytesMade = 32

    private static let prefix = "whsec_"

    /// Reads `whsec_` followed by standard base64 with padding of 24…64 bytes; nil for anything else.
    package init?(_ text: String) {
        guard text.hasPrefix(Self.prefix), let bytes = Data(base64Encoded: String(text.dropFirst(Self.prefix.count))),
            (Self.bytesMin...Self.bytesMax).contains(bytes.count)
        else { return nil }
        self.text = text
        key = [UInt8](bytes)
    }

    private init(key: [UInt8]) {
        self.key = key
        text = Self.prefix + Data(key).base64EncodedString()
    }

    /// A new secret of 32 bytes.
    package static func random(using generator: inout some RandomNumberGenerator) -> WebhookSecret {
        WebhookSecret(key: (0..<bytesMade).map { _ in .random(in: 0...255, using: &generator) })
    }

    /// A new secret of 32 bytes from the system's generator.
    package static func random() -> WebhookSecret {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// What a secret is recognised by: `whsec_…` and its last four characters.
    package var hint: String { "\(Self.prefix)…\(text.suffix(4))" }

    /// The hint.
    package var description: String { hint }

    /// The hint, also for dumps and debuggers.
    package var customMirror: Mirror { Mirror(self, children: ["hint": hint]) }

    /// The `webhook-signature` entry for one attempt: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`.
    ///
    /// - Parameters:
    ///   - id: the event's id, the same on every attempt; contains no `.`.
    ///   - timestamp: Unix seconds, fresh for each attempt.
    ///   - body: the exact bytes sent.
    package func signature(id: String, timestamp: Int64, body: [UInt8]) -> String {
        var mac = HMAC<SHA256>(key: SymmetricKey(data: key))
        mac.update(data: Data("\(id).\(timestamp).".utf8))
        mac.update(data: body)
        return "v1," + Data(mac.finalize()).base64EncodedString()
    }
}
