// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation

/// Why sealed bytes cannot be opened.
package enum SealingFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// They were sealed with a key that this process does not have.
    case unknownKey
    /// They were changed, cut, or sealed for something else.
    case damaged

    /// For operators.
    package var description: String {
        switch self {
        case .unknownKey: "it was sealed with another key than the configured one"
        case .damaged: "it was changed since it was sealed, or belongs to something else"
        }
    }
}

/// Keeps secrets in the database that only processes with the operator's key can read: AES-256-GCM (NIST SP 800-38D)
/// with a random nonce, bound to the context that a secret belongs to.
///
/// Sealed bytes are: a version (1), the first four bytes of the key's SHA-256, nonce, ciphertext, tag.
package struct SealingKey: Sendable {
    private let keys: [(name: [UInt8], key: SymmetricKey)]

    /// Bytes of a key.
    package static let byteCount = 32
    private static let version: UInt8 = 1
    private static let nameBytes = 4

    /// Reads keys, each standard base64 of 32 bytes, separated by commas: the first seals, all of them open. Nil for
    /// anything else.
    package init?(_ text: String) {
        var keys: [(name: [UInt8], key: SymmetricKey)] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let trimmed = part.trimmingPrefix { $0.isWhitespace }.prefix { !$0.isWhitespace }
            guard let bytes = Data(base64Encoded: String(trimmed)), bytes.count == Self.byteCount else { return nil }
            keys.append((Array(SHA256.hash(data: bytes).prefix(Self.nameBytes)), SymmetricKey(data: bytes)))
        }
        self.keys = keys
    }

    /// The text of a fresh key from the system's generator of secure random numbers.
    package static func randomText() -> String {
        SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }.base64EncodedString()
    }

    /// Seals a secret.
    ///
    /// - Parameter context: what the secret belongs to, such as `webhook_endpoints/we_1`; needed to open it.
    package func seal(_ secret: [UInt8], context: String) throws -> [UInt8] {
        let box = try AES.GCM.seal(secret, using: keys[0].key, authenticating: Array(context.utf8))
        return [Self.version] + keys[0].name + Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)
    }

    /// Opens what ``seal(_:context:)`` made.
    ///
    /// - Throws: ``SealingFault``.
    package func open(_ sealed: [UInt8], context: String) throws(SealingFault) -> [UInt8] {
        guard sealed.count > Self.nameBytes, sealed[0] == Self.version else { throw .damaged }
        let name = Array(sealed[1...Self.nameBytes])
        guard let entry = keys.first(where: { $0.name == name }) else { throw .unknownKey }
        do {
            let box = try AES.GCM.SealedBox(combined: sealed.dropFirst(1 + Self.nameBytes))
            return Array(try AES.GCM.open(box, using: entry.key, authenticating: Array(context.utf8)))
        } catch {
            throw .damaged
        }
    }
}
