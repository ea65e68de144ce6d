// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import HTTPTypes

/// The routes of the delivery log, an extension of ours.
struct DeliveryRoutes: Sendable {
    /// Where deliveries are recorded.
    let store: Store
    /// Largest request body in bytes.
    let jsonBytesMax: Int

    /// The table of these routes.
    var routes: [Route] {
        [
            .guarded(.get, "/v1/webhook_deliveries", list),
            .guarded(.post, "/v1/webhook_deliveries/replay", replayRange),
            .guarded(.get, "/v1/webhook_deliveries/{id}", retrieve),
            .guarded(.post, "/v1/webhook_deliveries/{id}/replay", replay),
        ]
    }

    private func list(_ call: Call, _ project: ProjectID) async throws -> Answer {
        var filter = DeliveryFilter()
        filter.endpoint = call.query["endpoint_id"].map(EndpointID.init(rawValue:))
        filter.batch = call.query["batch_id"].map(BatchID.init(rawValue:))
        filter.event = call.query["event_id"].map(EventID.init(rawValue:))
        filter.status = try call.query.choice("status", of: DeliveryStatus.allCases.map { ($0.rawValue, $0) })
        let page = try await store.listDeliveries(
            project: project, filter, after: try call.query["after"].map(Call.cursor).map(DeliveryID.init(rawValue:)),
            limit: try call.query.integer("limit", in: 1...100, standard: 20))
        return .json(page.listObject(id: \.id.rawValue, object: { $0.deliveryObject() }))
    }

    private func retrieve(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = Self.id(call)
        guard let (delivery, log) = try await store.findDelivery(id, project: project) else { throw Self.notFound(id) }
        return .json(delivery.deliveryObject(log: log))
    }

    private func replay(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = Self.id(call)
        _ = try await call.body.collect(upTo: jsonBytesMax)
        guard let delivery = try await store.replayDelivery(id, project: project) else { throw Self.notFound(id) }
        return .json(delivery.deliveryObject())
    }

    private func replayRange(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let replay = try EndpointRequest.replay(try await call.body.collect(upTo: jsonBytesMax))
        let count = try await store.replayDeliveries(replay, project: project)
        return .json(
            .object([
                .init("object", .string("webhook_replay")),
                .init("webhook_endpoint_id", .string(replay.endpoint.rawValue)),
                .init("replayed", .integer(Int64(count))),
            ]))
    }

    private static func id(_ call: Call) -> DeliveryID { DeliveryID(rawValue: call.identifier ?? "") }

    private static func notFound(_ id: DeliveryID) -> BatchError {
        .notFound("No webhook delivery found with id '\(id)'.")
    }
}
