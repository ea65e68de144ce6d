// SPDX-License-Identifier: Apache-2.0

import BatchCore
import HTTPTypes

/// A request for an action, verified.
struct ArkCall {
    /// Whom it speaks for.
    let caller: SignedCaller
    /// The request's name.
    let requestID: String
    /// `X-Sdk-Invocation-Id`, the same on every attempt of the SDK's; nil when there is none.
    let invocationID: String?
    /// What is asked for.
    let parameters: ArkParameters
}

/// Something that Ark's control plane can do.
struct ArkAction: Sendable {
    /// `Action` of the query.
    let name: String
    /// Does it, and returns `Result`.
    let perform: @Sendable (ArkCall) async throws -> JSONValue
}

/// Ark's control plane: all its actions have one path and are told apart by the query. (contracts: Ark routing)
struct ArkRoutes: Sendable {
    /// The one path.
    static let path = "/"
    /// The one version there is of every action.
    static let version = "2024-01-01"
    /// Longest `X-Sdk-Invocation-Id` that counts, in bytes.
    static let invocationBytesMax = 128

    /// Where it is noted that an access key was used.
    let noteUse: @Sendable (_ accessKeyID: String) async throws -> Void
    /// What it can do.
    let actions: [ArkAction]

    /// The table of these routes.
    var routes: [Route] {
        [.signed(.post, Self.path, perform), .signed(.get, Self.path, perform)]
    }

    private func perform(_ call: Call, _ caller: SignedCaller, _ body: [UInt8]) async throws -> Answer {
        try await noteUse(caller.accessKeyID)
        return try await answer(caller, body, requestID: call.requestID, headers: call.headers)
    }

    /// Performs the action that a verified request names.
    func answer(
        _ caller: SignedCaller, _ body: [UInt8], requestID: String, headers: HTTPFields
    ) async throws -> Answer {
        let envelope = ArkEnvelope(requestID: requestID, query: caller.query, region: caller.region)
        let action = try action(of: caller.query)
        let call = ArkCall(
            caller: caller, requestID: requestID,
            invocationID: headers[.sdkInvocationID].flatMap { text in
                (1...Self.invocationBytesMax).contains(text.utf8.count) ? text : nil
            }, parameters: try ArkParameters(body: body, query: caller.query))
        return envelope.success(try await action.perform(call))
    }

    /// The action that a query names.
    ///
    /// - Throws: `MissingParameter`, `InvalidActionOrVersion`.
    private func action(of query: SignedQuery) throws(ArkFault) -> ArkAction {
        guard let name = try query.text(of: "Action"), !name.isEmpty else {
            throw .missingParameter("The query names no Action.", detail: "Action")
        }
        guard let version = try query.text(of: "Version"), !version.isEmpty else {
            throw .missingParameter("The query names no Version; it is \(Self.version).", detail: "Version")
        }
        guard version == Self.version, let action = actions.first(where: { $0.name == name }) else {
            let known = actions.isEmpty ? "none" : actions.map(\.name).sorted().joined(separator: ", ")
            throw .invalidActionOrVersion(
                "There is no action '\(name.prefix(100))' in version '\(version.prefix(40))'. Of version "
                    + "\(Self.version) this server has: \(known).")
        }
        return action
    }
}
