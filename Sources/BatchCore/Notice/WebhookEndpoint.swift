// SPDX-License-Identifier: Apache-2.0

/// A receiver that a project registered for its events. Its secret is not part of it. (contracts: endpoint management)
package struct WebhookEndpoint: Hashable, Sendable {
    /// `we_…`
    package var id: EndpointID
    /// The tenant it belongs to.
    package var project: ProjectID
    /// What its owner calls it.
    package var name: String
    /// Where events are posted.
    package var url: String
    /// The events it wants.
    package var eventTypes: [EventType]
    /// The last characters of its secret, for recognition.
    package var secretHint: String
    /// Unix seconds.
    package var createdAt: Int64
    /// When its configuration or secret last changed; tests and unchanged updates do not count. Unix seconds.
    package var updatedAt: Int64
    /// Why it is told nothing; nil while it is enabled.
    package var disabledReason: String?
    /// Since when every attempt fails; nil when the last one did not. Unix seconds.
    package var failingSince: Int64?

    /// An endpoint from its columns.
    package init(
        id: EndpointID, project: ProjectID, name: String, url: String, eventTypes: [EventType], secretHint: String,
        createdAt: Int64, updatedAt: Int64, disabledReason: String? = nil, failingSince: Int64? = nil
    ) {
        self.id = id
        self.project = project
        self.name = name
        self.url = url
        self.eventTypes = eventTypes
        self.secretHint = secretHint
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.disabledReason = disabledReason
        self.failingSince = failingSince
    }

    /// The WebhookEndpoint object; the last three members are ours.
    ///
    /// - Parameter secret: shown by create and rotate only.
    package func endpointObject(secret: String? = nil) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("id", .string(id.rawValue)),
            .init("object", .string("webhook_endpoint")),
            .init("created_at", .integer(createdAt)),
            .init("updated_at", .integer(updatedAt)),
            .init("name", .string(name)),
            .init("url", .string(url)),
            .init("event_types", .array(eventTypes.map { .string($0.rawValue) })),
            .init("signing_secret_hint", .string(secretHint)),
        ]
        if let secret { members.append(.init("signing_secret", .string(secret))) }
        members += [
            .init("status", .string(disabledReason == nil ? "enabled" : "disabled")),
            .init("disabled_reason", JSONValue(disabledReason)),
            .init("failing_since", JSONValue(failingSince)),
        ]
        return .object(members)
    }
}
