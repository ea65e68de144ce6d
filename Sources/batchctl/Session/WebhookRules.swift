// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient
internal import FoundationEssentials

/// What can be told about a webhook before anything is sent.
enum WebhookRules {
    /// How a secret looks, for messages.
    static let secretForm =
        "it must be whsec_ and base64 of \(secretBytes.lowerBound) to \(secretBytes.upperBound) bytes"

    /// Bytes of a secret. (contracts: Standard Webhooks secrets)
    private static let secretBytes = 24...64
    /// Most bytes of a file with a secret; the longest secret has a tenth of that.
    private static let fileBytesMax = 1_024

    /// Throws unless `text` has the form of an address that events can be sent to; which ones may be is the server's
    /// business.
    static func checkURL(_ text: String, option: String) throws(ValidationError) {
        let lower = text.lowercased()
        guard lower.hasPrefix("https://") || lower.hasPrefix("http://") else {
            throw ValidationError("\(option) must begin with https:// or http://, not \"\(text)\"")
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ValidationError("\(option) has a blank or a character that must be percent-encoded: \"\(text)\"")
        }
        let authority = authority(text)
        if authority.contains("@") {
            throw ValidationError("\(option) must not hold a name or password: receivers check the signature")
        }
        guard let first = authority.first, first != ":" else {
            throw ValidationError("\(option) names no host: \"\(text)\"")
        }
    }

    /// The host of an address that ``checkURL(_:option:)`` let through.
    static func host(of url: String) -> String {
        let authority = authority(url)
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
        return String(authority.prefix { $0 != ":" })
    }

    private static func authority(_ url: String) -> Substring {
        url.drop { $0 != "/" }.dropFirst("//".count).prefix { !"/?#".contains($0) }
    }

    /// Whether `text` is `whsec_` and base64 of as many bytes as a secret has.
    static func isSecret(_ text: String) -> Bool {
        guard text.hasPrefix("whsec_"), let bytes = Data(base64Encoded: String(text.dropFirst("whsec_".count)))
        else { return false }
        return secretBytes.contains(bytes.count)
    }

    /// The secret in a file, without the blanks and line ends around it.
    static func secret(file path: String) async throws(ClientError) -> String {
        let text = try await SmallFile.text(path, bytesMax: fileBytesMax)
        guard isSecret(text) else { throw .localFile("\(path) holds no signing secret: \(secretForm)") }
        return text
    }
}
