// SPDX-License-Identifier: Apache-2.0

import BatchCoordinator
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
        let key = try presentKey()
        return try sealed.map { try WebhookSecret(unsealing: $0, with: key) }
    }

    private func presentKey() throws -> SealingKey {
        guard let key else {
            throw BatchError.invalid(
                "This server keeps no secrets: its operator must set 'sealing_key' first.", code: "sealing_key_missing")
        }
        return key
    }
}
