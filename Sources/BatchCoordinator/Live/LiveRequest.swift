// SPDX-License-Identifier: Apache-2.0

package import BatchCore

/// A request whose answer somebody waits for.
package struct LiveRequest: Sendable {
    /// Who pays for it.
    package var project: ProjectID
    /// `api_keys.id` of the key it came with: among the requests of a project the queue is fair between keys.
    package var key: Int64
    /// The path it goes to, as batches name it: `/v1/chat/completions`.
    package var endpoint: String
    /// The model that the backends know it by.
    package var model: String
    /// The JSON that goes to the backend, byte by byte.
    package var body: [UInt8]
    /// How long the answer is waited for, at most `live.wait`.
    package var wait: Duration
    /// Whether the request outlives this process, so that one that is sent again finds it.
    package var isDurable: Bool

    /// A request whose answer somebody waits for.
    package init(
        project: ProjectID, key: Int64, endpoint: String, model: String, body: [UInt8], wait: Duration,
        isDurable: Bool
    ) {
        self.project = project
        self.key = key
        self.endpoint = endpoint
        self.model = model
        self.body = body
        self.wait = wait
        self.isDurable = isDurable
    }
}

/// What a backend made of a held request: its answer, or its refusal (a status 400…499 that no retry would change).
package struct LiveAnswer: Hashable, Sendable {
    /// The HTTP status, 200 or 400…499 but never 408, 409 or 429.
    package var status: Int
    /// The backend's body, byte by byte.
    package var body: [UInt8]
    /// What the backend calls the request.
    package var requestID: String?

    /// What a backend made of a held request.
    package init(status: Int, body: [UInt8], requestID: String?) {
        self.status = status
        self.body = body
        self.requestID = requestID
    }
}

/// Holds requests until they are answered.
package protocol LiveAnswering: Sendable {
    /// Waits for the answer; cancelling the task says that the client has gone.
    ///
    /// - Throws: a 429 ``BatchCore/BatchError`` (too many held), a 503 (shutting down, wait over, attempts used up),
    ///   each with a `retryAfter`.
    func answer(_ request: consuming LiveRequest) async throws -> LiveAnswer
}
