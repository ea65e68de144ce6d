// SPDX-License-Identifier: Apache-2.0

/// A webhook endpoint as a server sends it; unknown fields are ignored. (contracts: webhook endpoint management)
package struct WireWebhookEndpoint: Codable, Hashable, Sendable {
    /// `we_…`
    package var id: String
    /// Unix seconds.
    package var createdAt: Int64
    /// When it was last changed, Unix seconds; nil when the server does not say.
    package var updatedAt: Int64?
    /// What the user called it.
    package var name: String?
    /// Where events are sent to.
    package var url: String
    /// The types of the events that are sent.
    package var eventTypes: [String]
    /// The end of the signing secret, such as `whsec_…abcd`.
    package var signingSecretHint: String?
    /// The signing secret; only in the answers to its making and its rotation.
    package var signingSecret: String?
    /// `enabled` or `disabled`; nil from servers without our extension.
    package var status: String?
    /// Why it is disabled; nil while it is not, or when the user disabled it.
    package var disabledReason: String?
    /// Since when no attempt has succeeded, Unix seconds; nil while they do.
    package var failingSince: Int64?

    /// An endpoint with the fields that are always there; the others start as nil.
    package init(id: String, createdAt: Int64, url: String, eventTypes: [String]) {
        self.id = id
        self.createdAt = createdAt
        self.url = url
        self.eventTypes = eventTypes
    }

    enum CodingKeys: String, CodingKey {
        case id, name, url, status
        case createdAt = "created_at"
        case updatedAt = "updated_at"
        case eventTypes = "event_types"
        case signingSecretHint = "signing_secret_hint"
        case signingSecret = "signing_secret"
        case disabledReason = "disabled_reason"
        case failingSince = "failing_since"
    }
}

/// What a receiver answered to a trial event. (contracts: webhook endpoint management)
package struct WireWebhookTrial: Codable, Hashable, Sendable {
    /// The type of the event that was sent.
    package var eventType: String?
    /// The HTTP status of the receiver's answer.
    package var statusCode: Int
    /// The endpoint.
    package var webhookEndpointID: String?

    enum CodingKeys: String, CodingKey {
        case eventType = "event_type"
        case statusCode = "status_code"
        case webhookEndpointID = "webhook_endpoint_id"
    }
}
