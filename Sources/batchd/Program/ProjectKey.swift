// SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation

/// An API key: `sk-shardline-` and 256 random bits. The database keeps only its SHA-256.
struct ProjectKey: Hashable, Sendable {
    /// The whole key, shown once to its owner.
    let text: String

    private static let prefix = "sk-shardline-"
    /// 32 bytes in base64 without padding.
    private static let randomCharacters = 43
    /// How much of the random part may be shown for recognition.
    private static let shownCharacters = 4

    /// A fresh key from the system's generator of secure random numbers.
    static func random() -> ProjectKey {
        let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
        let base64 = bytes.base64EncodedString().map { character -> Character in
            switch character {
            case "+": "-"
            case "/": "_"
            default: character
            }
        }
        return ProjectKey(unchecked: prefix + String(base64.prefix(randomCharacters)))
    }

    /// Reads a key; nil when it has another form.
    init?(_ text: String) {
        let random = text.dropFirst(Self.prefix.count)
        guard text.hasPrefix(Self.prefix), random.utf8.count == Self.randomCharacters,
            random.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
        else { return nil }
        self.text = text
    }

    private init(unchecked text: String) {
        self.text = text
    }

    /// What the database knows it by.
    var sha256: [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    /// The beginning, for people who look at a list of keys.
    var shownPrefix: String { String(text.prefix(Self.prefix.count + Self.shownCharacters)) }

    /// The key kept in a data directory; made, readable by its owner only, when there is none.
    static func kept(in directory: DataDirectory) throws -> ProjectKey {
        if let text = DirectoryEntries.text(of: directory.apiKey) {
            let line = String(text.prefix { !$0.isNewline })
            guard let key = ProjectKey(line) else {
                throw PrivateClusterError(
                    .refused, "\(directory.apiKey) holds no API key: remove the file to have a new key made")
            }
            return key
        }
        let key = random()
        try PlainFile.write(key.text + "\n", to: directory.apiKey, permissions: 0o600)
        return key
    }
}
