// SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation

/// An access key and its secret, for clients that sign requests. (contracts: Ark signature)
struct AccessKeyPair: Hashable, Sendable {
    /// The access key: `AKLT` and 128 random bits in hexadecimal, as clients of Volcengine's expect it to begin.
    let id: String
    /// The secret: 256 random bits in base64 without padding and without characters that shells or URLs mind.
    let secret: String

    private static let prefix = "AKLT"

    /// A fresh pair from the system's generator of secure random numbers.
    static func random() -> AccessKeyPair {
        let digits = SymmetricKey(size: .bits128).withUnsafeBytes { bytes in
            bytes.map { byte in
                let text = String(byte, radix: 16)
                return text.utf8.count == 1 ? "0" + text : text
            }.joined()
        }
        let base64 = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }.base64EncodedString()
        let secret = base64.compactMap { character -> Character? in
            switch character {
            case "+": "-"
            case "/": "_"
            case "=": nil
            default: character
            }
        }
        return AccessKeyPair(id: prefix + digits, secret: String(secret))
    }
}
