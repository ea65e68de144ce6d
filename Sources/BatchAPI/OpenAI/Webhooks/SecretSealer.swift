// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchWebhook
import Sealing

/// Turns secrets into what the database keeps of them, and back.
struct SecretSealer: Sendable {
    /// The operator's key; nil when there is none.
    let key: SealingKey?

    /// Seals a secret.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` when the server has no key to seal with.
    func seal(_ secret: WebhookSecret, context: String) throws -> [UInt8] {
        try presentKey().seal(Array(secret.text.utf8), context: context)
    }

    /// Opens the secrets that sign what an endpoint is sent.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` when the server has no key to open them with.
    func open(_ sealed: [SealedSecret]) throws -> [WebhookSecret] {
        try sealed.map { sealed in
            let text = try presentKey().open(sealed.bytes, context: sealed.context)
            guard let secret = WebhookSecret(String(decoding: text, as: UTF8.self)) else { throw SealingFault.damaged }
            return secret
        }
    }

    private func presentKey() throws -> SealingKey {
        guard let key else {
            throw BatchError.invalid(
                "This server keeps no secrets: its operator must set 'sealing_key' first.", code: "sealing_key_missing")
        }
        return key
    }
}
