// SPDX-License-Identifier: Apache-2.0

import BatchCoordinator
import BatchCore
import BatchStore
import BatchWebhook
import HTTPTypes

/// The routes of webhook endpoints. (contracts: endpoint management)
struct EndpointRoutes: Sendable {
    /// Where endpoints are recorded.
    let store: Store
    /// What keeps their secrets.
    let sealer: SecretSealer
    /// What sends tests.
    let tester: EndpointTester
    /// Where receivers may be.
    let receivers: ReceiverRule
    /// Most endpoints of one project.
    let endpointsMax: Int
    /// Largest request body in bytes.
    let jsonBytesMax: Int

    /// How long the old secret signs beside a new one, when that is asked for.
    private static let overlap = Duration.seconds(24 * 3_600)

    /// The table of these routes.
    var routes: [Route] {
        [
            .guarded(.get, "/v1/webhook_event_types", types),
            .guarded(.post, "/v1/webhook_endpoints", create),
            .guarded(.get, "/v1/webhook_endpoints", list),
            .guarded(.get, "/v1/webhook_endpoints/{id}", retrieve),
            .guarded(.post, "/v1/webhook_endpoints/{id}", update),
            .guarded(.delete, "/v1/webhook_endpoints/{id}", delete),
            .guarded(.post, "/v1/webhook_endpoints/{id}/rotate_secret", rotate),
            .guarded(.post, "/v1/webhook_endpoints/{id}/test", test),
        ]
    }

    private func types(_ call: Call, _ project: ProjectID) async throws -> Answer {
        .json(
            .object([
                .init("object", .string("list")),
                .init("data", .array(EventType.allCases.map { .string($0.rawValue) })),
            ]))
    }

    private func create(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let request = try EndpointRequest.create(try await call.body.collect(upTo: jsonBytesMax))
        try receivers.check(request.url, param: "url")
        let secret = WebhookSecret.random()
        let id = EndpointID.random()
        let endpoint = try await store.insertEndpoint(
            WebhookEndpoint(
                id: id, project: project, name: request.name, url: request.url, eventTypes: request.types,
                secretHint: secret.hint, createdAt: 0, updatedAt: 0),
            secret: try sealer.seal(secret, context: SealedSecret.context(of: id)), limit: endpointsMax)
        return .json(endpoint.endpointObject(secret: secret.text))
    }

    private func list(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let page = try await store.listEndpoints(
            project: project, after: try call.query["after"].map(Call.cursor).map(EndpointID.init(rawValue:)),
            limit: try call.query.integer("limit", in: 1...100, standard: 20))
        return .json(page.listObject(id: \.id.rawValue, object: { $0.endpointObject() }))
    }

    private func retrieve(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = Self.id(call)
        return .json(try Self.found(try await store.findEndpoint(id, project: project), id).endpointObject())
    }

    private func update(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = Self.id(call)
        let change = try EndpointRequest.update(try await call.body.collect(upTo: jsonBytesMax))
        try receivers.check(change.url, param: "url")
        let endpoint = try await store.updateEndpoint(id, project: project, change)
        return .json(try Self.found(endpoint, id).endpointObject())
    }

    private func delete(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = Self.id(call)
        guard try await store.deleteEndpoint(id, project: project) else { throw Self.notFound(id) }
        return .json(
            .object([
                .init("id", .string(id.rawValue)), .init("object", .string("webhook_endpoint.deleted")),
                .init("deleted", .bool(true)),
            ]))
    }

    private func rotate(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = Self.id(call)
        let keepsOld = try EndpointRequest.keepsOldSecret(try await call.body.collect(upTo: jsonBytesMax))
        let secret = WebhookSecret.random()
        let endpoint = try await store.rotateSecret(
            id, project: project, secret: try sealer.seal(secret, context: SealedSecret.context(of: id)),
            hint: secret.hint, keepOldFor: keepsOld ? Self.overlap : nil)
        return .json(try Self.found(endpoint, id).endpointObject(secret: secret.text))
    }

    private func test(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = Self.id(call)
        let type = try EndpointRequest.testedType(try await call.body.collect(upTo: jsonBytesMax))
        let endpoint = try Self.found(try await store.findEndpoint(id, project: project), id)
        let secrets = try sealer.open(try await store.endpointSecrets(id, project: project))
        let report = await tester.test(endpoint, secrets: secrets, type: type)
        guard let status = report.status else {
            throw BatchError.invalid(
                "The test could not be delivered to \(endpoint.url): \(report.reason ?? "there was no answer").",
                code: "endpoint_unreachable")
        }
        return .json(
            .object([
                .init("object", .string("webhook_endpoint.test")),
                .init("event_type", .string(type.rawValue)),
                .init("status_code", .integer(Int64(status))),
                .init("success", .bool(true)),
                .init("webhook_endpoint_id", .string(id.rawValue)),
            ]))
    }

    private static func id(_ call: Call) -> EndpointID { EndpointID(rawValue: call.identifier ?? "") }

    private static func found(_ endpoint: WebhookEndpoint?, _ id: EndpointID) throws -> WebhookEndpoint {
        guard let endpoint else { throw notFound(id) }
        return endpoint
    }

    private static func notFound(_ id: EndpointID) -> BatchError {
        .notFound("No webhook endpoint found with id '\(id)'.")
    }
}
