// SPDX-License-Identifier: Apache-2.0
internal import BatchCore

/// Which deliveries a list shows; what is nil does not matter.
package struct DeliveryFilter: Hashable, Sendable {
    /// Only those towards this endpoint.
    package var endpointID: String?
    /// Only those that tell of this batch.
    package var batchID: String?
    /// Only those of this event.
    package var eventID: String?
    /// `pending`, `delivered` or `exhausted`.
    package var status: String?

    /// A filter of what is given.
    package init(endpointID: String? = nil, batchID: String? = nil, eventID: String? = nil, status: String? = nil) {
        self.endpointID = endpointID
        self.batchID = batchID
        self.eventID = eventID
        self.status = status
    }

    /// What of it is given.
    var query: [(String, String)] {
        [("endpoint_id", endpointID), ("batch_id", batchID), ("event_id", eventID), ("status", status)]
            .compactMap { name, value in value.map { (name, $0) } }
    }
}

/// Which deliveries of an endpoint are to be sent again.
package struct ReplayOrder: Hashable, Sendable {
    /// The endpoint.
    package var endpointID: String
    /// The events since then, Unix seconds.
    package var since: Int64
    /// And until then; nil for now.
    package var until: Int64?
    /// `exhausted`, `delivered` or `all`.
    package var status: String
    /// Whether events of that time count that the endpoint was never sent.
    package var includesMissed: Bool

    /// An order from its fields.
    package init(
        endpointID: String, since: Int64, until: Int64? = nil, status: String = "exhausted",
        includesMissed: Bool = false
    ) {
        self.endpointID = endpointID
        self.since = since
        self.until = until
        self.status = status
        self.includesMissed = includesMissed
    }

    /// The request body.
    var json: [UInt8] {
        JSONValue.object([
            .init("endpoint_id", .string(endpointID)), .init("since", .integer(since)),
            .init("until", JSONValue(until)),
            .init("status", .string(status)), .init("missed", .bool(includesMissed)),
        ]).bytes
    }
}

extension Client {
    /// A page of deliveries, newest first. `limit` is 1…100.
    package func deliveries(
        _ filter: DeliveryFilter = DeliveryFilter(), after: String? = nil, limit: Int
    ) async throws(ClientError) -> Page<WireDelivery> {
        try await page(
            "/webhook_deliveries", doing: "list webhook deliveries", query: filter.query, after: after, limit: limit)
    }

    /// A delivery with its attempts.
    package func delivery(_ id: String) async throws(ClientError) -> Answer<WireDelivery> {
        try await fetch(
            Call(
                method: "GET", path: "/webhook_deliveries/\(ServerAddress.encode(id))",
                doing: "look up webhook delivery \(id)"),
            as: WireDelivery.self)
    }

    /// Has a delivery sent again, under the id of the same event, by which receivers know what they have seen.
    package func replayDelivery(_ id: String) async throws(ClientError) -> Answer<WireDelivery> {
        try await fetch(
            Call(
                method: "POST", path: "/webhook_deliveries/\(ServerAddress.encode(id))/replay",
                doing: "replay webhook delivery \(id)"),
            as: WireDelivery.self)
    }

    /// Has many deliveries of an endpoint sent again.
    ///
    /// Repeated only when the server cannot have done it: the second answer would count none, or send all once more.
    package func replayDeliveries(_ order: ReplayOrder) async throws(ClientError) -> Answer<WireReplay> {
        try await fetch(
            Call(
                method: "POST", path: "/webhook_deliveries/replay", doing: "replay webhook deliveries",
                body: .json(order.json), repeatability: .onlyIfNotDone),
            as: WireReplay.self)
    }
}
