// SPDX-License-Identifier: Apache-2.0

import BatchCoordinator
import BatchCore
import BatchStore
import HTTPTypes

/// Ark's batch chat: requests that are held on their connections until spare capacity answers them.
/// (contracts: Ark runtime batch)
struct LiveRoutes: Sendable {
    /// What the paths of these routes begin with.
    static let pathPrefix = "/api/v3/batch/"
    /// What the paths of everything of Ark's runtime begin with.
    static let runtimePrefix = "/api/v3/"

    /// Who answers.
    let held: HeldRequests
    /// Which models stand for those that clients name.
    let models: ArkModels
    /// What the operator allows.
    let endpoints: EndpointList
    /// Largest body, in bytes.
    let bodyBytesMax: Int
    /// Containers that a body may nest.
    let depthMax: Int
    /// The memory of all bodies.
    let budget: BodyBudget

    /// The table of these routes.
    var routes: [Route] {
        LiveKind.allCases.map { kind in
            .held(.post, kind.path) { try await answer($0, $1, $2, kind: kind) }
        }
    }

    private func answer(
        _ call: Call, _ owner: APIKeyOwner, _ connection: HeldConnection, kind: LiveKind
    ) async throws -> Answer {
        guard endpoints.allows(kind.endpoint) else { throw LiveFault.notAllowed(kind.endpoint) }
        let isDurable = try Self.isDurable(call.headers)
        if let declared = call.body.declaredLength, declared > bodyBytesMax {
            throw IncomingBody.tooLarge(bodyBytesMax)
        }
        // Of a body without a length the worst is assumed until it is there.
        var taken = Int(call.body.declaredLength ?? Int64(bodyBytesMax))
        guard budget.take(taken) else { throw LiveFault.noRoom }
        defer { budget.giveBack(taken) }
        let request = try await request(call, owner, kind, isDurable: isDurable)
        budget.giveBack(taken - min(taken, request.body.count))
        taken = min(taken, request.body.count)
        let desk = held.desk
        return LiveReply.answer(try await connection.hold { try await desk.answer(request) })
    }

    /// What is held: the body with its model in the backends' words and without options that say nothing.
    private func request(
        _ call: Call, _ owner: APIKeyOwner, _ kind: LiveKind, isDurable: Bool
    ) async throws -> LiveRequest {
        let bytes = try await call.body.collect(upTo: bodyBytesMax)
        let body = try LiveBody(bytes, kind: kind, depthMax: depthMax)
        guard owner.mayUse(model: body.model) else { throw LiveFault.modelNotGranted(body.model) }
        let model = models.served(body.model)
        guard let endpoint = kind.endpoint(model: model), held.modelIsKnown(model) else {
            throw LiveFault.unknownModel(body.model, path: kind.path)
        }
        // Also a name that stays is set: of a key that is given twice, a backend may read the other value.
        let edited = try bytes.withUnsafeBytes { view in
            try BodyEdit.edited(view, model: model, dropsNulls: true, depthMax: depthMax)
        }
        return LiveRequest(
            project: owner.project, key: owner.keyID, endpoint: endpoint, model: model, body: edited,
            wait: held.wait, isDurable: isDurable)
    }

    /// Whether the request shall outlive this process.
    private static func isDurable(_ headers: HTTPFields) throws -> Bool {
        switch headers[.shardlineDurable]?.lowercased() {
        case nil, "true": return true
        case "false": return false
        case let other?:
            throw BatchError.invalidValue(other, param: "X-Shardline-Durable", supported: ["true", "false"])
        }
    }
}
