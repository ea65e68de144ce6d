// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchWebhook

/// `webhook` of a request to create a batch: a receiver for this batch alone, an extension of ours.
struct WebhookFields: Hashable, Sendable {
    /// Where the end is told.
    let url: String
    /// What signs it; nil leaves it unsigned.
    let secret: WebhookSecret?

    /// Reads `{"url": …, "secret": …}`; nil for null.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for the first thing that is wrong.
    static func read(_ tree: JSONTree) throws -> WebhookFields? {
        if case .null = tree { return nil }
        guard case .object(let members) = tree else {
            throw BatchError.invalidType("webhook", expected: "an object with url and secret", got: tree.kind)
        }
        let fields = JSONFields(members)
        try fields.allowOnly(["url", "secret"], prefix: "webhook.")
        guard let url = fields["url"] else { throw BatchError.missing("webhook.url") }
        guard case .string(let text) = url else {
            throw BatchError.invalidType("webhook.url", expected: "a string", got: url.kind)
        }
        return WebhookFields(
            url: try Self.url(text, param: "webhook.url"), secret: try fields["secret"].flatMap(Self.secret))
    }

    /// A URL that may be called.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` that says what is wrong with it.
    static func url(_ text: String, param: String) throws -> String {
        do throws(OutboundURLProblem) {
            return try OutboundURL(text).text
        } catch {
            throw BatchError.invalid(
                "Invalid '\(param)': the URL \(error.message).", code: "invalid_value", param: param)
        }
    }

    private static func secret(_ tree: JSONTree) throws -> WebhookSecret? {
        if case .null = tree { return nil }
        guard case .string(let text) = tree else {
            throw BatchError.invalidType("webhook.secret", expected: "a string", got: tree.kind)
        }
        guard let secret = WebhookSecret(text) else {
            throw BatchError.invalid(
                "Invalid 'webhook.secret': expected 'whsec_' and standard base64 of \(WebhookSecret.bytesMin) to "
                    + "\(WebhookSecret.bytesMax) bytes.", code: "invalid_value", param: "webhook.secret")
        }
        return secret
    }
}
