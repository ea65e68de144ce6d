// SPDX-License-Identifier: Apache-2.0
package import BatchCore

/// A request that is answered by this process and forgotten with it.
package struct MemoryRequest: Sendable {
    /// Among whom the queue is fair, and where a request goes: a project's API key, an endpoint and a model.
    package struct Party: Hashable, Sendable {
        /// Whose.
        package var project: ProjectID
        /// The API key.
        package var key: Int64
        /// Where to, such as `/v1/chat/completions`.
        package var endpoint: String
        /// Of which model.
        package var model: String

        /// Who sends where.
        package init(project: ProjectID, key: Int64, endpoint: String, model: String) {
            self.project = project
            self.key = key
            self.endpoint = endpoint
            self.model = model
        }
    }

    /// Who sends where.
    package var party: Party
    /// What goes to the backend.
    package var body: [UInt8]
    /// How long the outcome is waited for.
    package var wait: Duration

    /// A request.
    package init(party: Party, body: [UInt8], wait: Duration) {
        self.party = party
        self.body = body
        self.wait = wait
    }
}

/// Bounds of the memory lane.
package struct MemoryLimits: Hashable, Sendable {
    /// Requests held at once. Default 2,000.
    package var requestsMax = 2_000
    /// How long the outcome of a request whose client has gone is kept for the same request sent again. Default 10 min.
    package var keptFor: Duration = .seconds(600)
    /// Bytes of outcomes that are kept so; the oldest go first. Default 64 MiB.
    package var keptBytesMax = 64 << 20
    /// What clients are told to wait before they try again, in whole seconds. Default 5.
    package var retryAfterSeconds = 5

    /// The defaults.
    package init() {}
}
