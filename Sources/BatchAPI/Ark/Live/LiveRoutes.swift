// SPDX-License-Identifier: Apache-2.0

import BatchCoordinator
import BatchCore
import BatchStore
import HTTPTypes
import Synchronization

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
        // Memory is taken as the bytes come: who announces a body and is slow to send it keeps it from nobody.
        var taken = 0
        defer { budget.giveBack(taken) }
        let bytes = try await call.body.collect(upTo: bodyBytesMax) { count in
            guard budget.take(count) else { throw LiveFault.noRoom }
            taken += count
        }
        let parcel = Parcel(try request(bytes, owner, kind, isDurable: isDurable))
        if isDurable {
            // The desk counts what is not in the database yet, and keeps nothing of the rest.
            budget.giveBack(taken)
            taken = 0
        }
        let desk = held.desk
        return LiveReply.answer(try await connection.hold { try await desk.answer(parcel.open()) })
    }

    /// What is held: the body with its model in the backends' words and without options that say nothing.
    private func request(
        _ bytes: [UInt8], _ owner: APIKeyOwner, _ kind: LiveKind, isDurable: Bool
    ) throws -> LiveRequest {
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

/// A request on its way to who answers it: this side keeps nothing of it while it waits.
private final class Parcel: Sendable {
    private let request: Mutex<LiveRequest?>

    /// Holds a request until it is opened.
    init(_ request: consuming LiveRequest) {
        self.request = Mutex(request)
    }

    /// The request, once.
    func open() throws -> LiveRequest {
        let request = request.withLock { $0.take() }
        guard let request else { throw CancellationError() }
        return request
    }
}
