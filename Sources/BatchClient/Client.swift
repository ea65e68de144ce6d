// SPDX-License-Identifier: Apache-2.0
package import Curl

/// A server's API seen from outside: one method per call of the OpenAI files, batches and models API.
///
/// Every method throws ``ClientError`` only. Failures that a repetition can cure are repeated within `patience`;
/// a refused connection is reported at once.
package struct Client: Sendable {
    /// The server.
    package let address: ServerAddress
    /// How failures are repeated.
    package let patience: Patience
    /// Sent as `Authorization: Bearer …`; nil sends none.
    let apiKey: String?
    /// Carries the requests.
    let engine: CurlEngine
    /// Waits between attempts; a test puts its own clock here.
    let sleep: @Sendable (Duration) async throws -> Void

    /// A client of the server at `address`.
    package init(
        address: ServerAddress, apiKey: String?, engine: CurlEngine, patience: Patience = Patience(),
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.address = address
        self.apiKey = apiKey
        self.engine = engine
        self.patience = patience
        self.sleep = sleep
    }
}
