// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import Crypto

/// `GetApiKey`: a bearer key for Ark's runtime, for a while and for some models, in return for a signature.
///
/// Clients that know an access key only get one per model and ask again before it ends. (contracts: Ark GetApiKey)
struct TemporaryKeyAction: Sendable {
    /// Where keys are recorded.
    let store: Store
    /// Longest time that a key may be good, in seconds.
    let secondsMax: Int
    /// Good keys that one project may have.
    let countMax: Int

    /// How long a key is good when the request does not say, in seconds: what the SDK asks for.
    private static let secondsStandard = 7 * 86_400
    private static let resourcesMax = 100
    private static let resourceBytesMax = 512

    /// What the key may be for. (contracts: Ark GetApiKey)
    private enum ResourceType: String, CaseIterable {
        case endpoint
        case presetEndpoint = "presetendpoint"
        case bot
    }

    /// The action of the table.
    var action: ArkAction { ArkAction(name: "GetApiKey", perform: perform) }

    private func perform(_ call: ArkCall) async throws -> JSONValue {
        let fields = ArkFields(call.parameters)
        let seconds = try fields.integer(
            "DurationSeconds", in: 1...secondsMax, standard: min(Self.secondsStandard, secondsMax))
        let type: ResourceType? = try fields.choice("ResourceType")
        guard type != .bot else {
            throw ArkFault.invalidParameter(
                "ResourceType is bot, and this server has no bots; use endpoint or presetendpoint.",
                detail: "ResourceType")
        }
        let resources = try fields.texts("ResourceIds", countMax: Self.resourcesMax)
        guard !resources.isEmpty else { throw fields.missing("ResourceIds") }
        guard resources.allSatisfy({ (1...Self.resourceBytesMax).contains($0.utf8.count) }) else {
            throw ArkFault.invalidParameter(
                "ResourceIds has an element that is empty or longer than \(Self.resourceBytesMax) bytes.",
                detail: "ResourceIds")
        }
        let key = TemporaryKeyText.random()
        let expiry = try await store.insertTemporaryKey(
            TemporaryKey(
                project: call.caller.project, accessKeyID: call.caller.accessKeyID,
                sha256: Array(SHA256.hash(data: Array(key.text.utf8))), prefix: key.shownPrefix,
                resources: resources, seconds: Int64(seconds)), countMax: countMax)
        guard let expiry else {
            throw ArkFault(
                "QuotaExceeded.ApiKey", status: 429,
                "The project has \(countMax) temporary API keys that are still good (ark.temporary_keys_max); use one "
                    + "of them, or ask for shorter ones.", retryAfterSeconds: 60)
        }
        return .object([.init("ApiKey", .string(key.text)), .init("ExpiredTime", .integer(expiry))])
    }
}

/// A temporary API key: `ark-shardline-` and 256 random bits. The database keeps only its SHA-256.
struct TemporaryKeyText {
    /// The whole key.
    let text: String

    private static let prefix = "ark-shardline-"
    private static let shownCharacters = 4

    /// A fresh key from the system's generator of secure random numbers.
    static func random() -> TemporaryKeyText {
        let digits = SymmetricKey(size: .bits256).withUnsafeBytes { bytes in
            bytes.map { byte in
                let digits = String(byte, radix: 16)
                return byte < 16 ? "0" + digits : digits
            }
        }
        return TemporaryKeyText(text: prefix + digits.joined())
    }

    /// The beginning, for recognition.
    var shownPrefix: String { String(text.prefix(Self.prefix.count + Self.shownCharacters)) }
}
