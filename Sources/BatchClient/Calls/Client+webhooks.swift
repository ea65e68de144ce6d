// SPDX-License-Identifier: Apache-2.0
internal import BatchCore

/// What is to become different about a webhook endpoint; what is nil stays.
package struct WebhookEndpointChange: Hashable, Sendable {
    /// Where events are sent to.
    package var url: String?
    /// What it is called.
    package var name: String?
    /// All types of events that are sent.
    package var eventTypes: [String]?
    /// Whether events are sent at all.
    package var isEnabled: Bool?

    /// A change of what is given.
    package init(url: String? = nil, name: String? = nil, eventTypes: [String]? = nil, isEnabled: Bool? = nil) {
        self.url = url
        self.name = name
        self.eventTypes = eventTypes
        self.isEnabled = isEnabled
    }

    /// The request body.
    var json: [UInt8] {
        JSONValue.object(
            [
                name.map { .init("name", .string($0)) },
                url.map { .init("url", .string($0)) },
                eventTypes.map { .init("event_types", .array($0.map(JSONValue.string))) },
                isEnabled.map { .init("status", .string($0 ? "enabled" : "disabled")) },
            ].compactMap { $0 }
        ).bytes
    }
}

extension Client {
    /// Makes an endpoint; the answer holds its signing secret, which no other answer does.
    ///
    /// Repeated only when the server cannot have made it: a second one would stay behind.
    package func createWebhookEndpoint(
        url: String, name: String, eventTypes: [String]
    ) async throws(ClientError) -> Answer<WireWebhookEndpoint> {
        let order = WebhookEndpointChange(url: url, name: name, eventTypes: eventTypes)
        return try await fetch(
            Call(
                method: "POST", path: "/webhook_endpoints", doing: "create the webhook endpoint",
                body: .json(order.json), repeatability: .onlyIfNotDone),
            as: WireWebhookEndpoint.self)
    }

    /// What the server knows of an endpoint.
    package func webhookEndpoint(_ id: String) async throws(ClientError) -> Answer<WireWebhookEndpoint> {
        try await fetch(
            Call(method: "GET", path: Self.path(endpoint: id), doing: "look up webhook endpoint \(id)"),
            as: WireWebhookEndpoint.self)
    }

    /// A page of endpoints. `limit` is 1…100.
    package func webhookEndpoints(
        after: String? = nil, limit: Int
    ) async throws(ClientError) -> Page<WireWebhookEndpoint> {
        try await page("/webhook_endpoints", doing: "list webhook endpoints", query: [], after: after, limit: limit)
    }

    /// Changes an endpoint; doing it twice is doing it once.
    package func updateWebhookEndpoint(
        _ id: String, _ change: WebhookEndpointChange
    ) async throws(ClientError) -> Answer<WireWebhookEndpoint> {
        try await fetch(
            Call(
                method: "POST", path: Self.path(endpoint: id), doing: "update webhook endpoint \(id)",
                body: .json(change.json)),
            as: WireWebhookEndpoint.self)
    }

    /// Deletes an endpoint. When an answer is lost and the call repeated, the second answer may be 404.
    package func deleteWebhookEndpoint(_ id: String) async throws(ClientError) -> Answer<WireDeletion> {
        try await fetch(
            Call(method: "DELETE", path: Self.path(endpoint: id), doing: "delete webhook endpoint \(id)"),
            as: WireDeletion.self)
    }

    /// Gives an endpoint a new signing secret, which the answer holds.
    ///
    /// Repeated only when the server cannot have done it: the secret of a lost answer would take the place of the
    /// one that receivers know.
    /// - Parameter keepsOld: whether events are signed with the old secret, too, for 24 hours.
    package func rotateWebhookSecret(
        _ id: String, keepsOld: Bool
    ) async throws(ClientError) -> Answer<WireWebhookEndpoint> {
        let body = JSONValue.object([.init("keep_old_secret_active_for_24_hours", .bool(keepsOld))])
        return try await fetch(
            Call(
                method: "POST", path: Self.path(endpoint: id) + "/rotate_secret",
                doing: "rotate the secret of webhook endpoint \(id)", body: .json(body.bytes),
                repeatability: .onlyIfNotDone),
            as: WireWebhookEndpoint.self)
    }

    /// Has the server send a trial event now, and tells what the receiver answered.
    ///
    /// - Throws: `refused` with code `endpoint_unreachable` when the receiver did not answer.
    package func testWebhookEndpoint(
        _ id: String, eventType: String
    ) async throws(ClientError) -> Answer<WireWebhookTrial> {
        let body = JSONValue.object([.init("event_type", .string(eventType))])
        return try await fetch(
            Call(
                method: "POST", path: Self.path(endpoint: id) + "/test", doing: "test webhook endpoint \(id)",
                body: .json(body.bytes)),
            as: WireWebhookTrial.self)
    }

    /// Every type of event that endpoints may be sent.
    package func webhookEventTypes() async throws(ClientError) -> [String] {
        let page: Page<String> = try await page(
            "/webhook_event_types", doing: "list the types of events", query: [], after: nil, limit: nil)
        return page.elements.map(\.value)
    }

    private static func path(endpoint id: String) -> String { "/webhook_endpoints/\(ServerAddress.encode(id))" }
}
