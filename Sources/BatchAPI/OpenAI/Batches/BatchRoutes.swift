// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import Crypto
import HTTPTypes

/// The routes of batches in the manner of one profile. (contracts: OpenAI batches; Bailian)
struct BatchRoutes: Sendable {
    /// Whose manner it is.
    let profile: Profile
    /// How often projects may call; nil for as often as they like.
    let pace: CallPace?
    /// Where batches are recorded.
    let store: Store
    /// What users may ask for.
    let limits: Limits
    /// Largest request body in bytes.
    let jsonBytesMax: Int
    /// What keeps the secrets of webhooks.
    let sealer: SecretSealer
    /// Where receivers may be.
    let receivers: ReceiverRule

    /// What a request to cancel, pause or resume may carry; it is not looked at.
    private static let verbBytesMax = 64 << 10
    private static let idempotencyKeyBytesMax = 255

    /// The table of these routes.
    var routes: [Route] {
        let path = profile.pathPrefix + "/batches"
        return [
            .guarded(.post, path, paced(.create, create)),
            .guarded(.get, path, paced(.list, list)),
            .guarded(.get, path + "/{id}", paced(.retrieve, retrieve)),
            .guarded(.post, path + "/{id}/cancel", paced(.cancel, cancel)),
            .guarded(.post, path + "/{id}/pause", pause),
            .guarded(.post, path + "/{id}/resume", resume),
            .guarded(.post, path + "/{id}/retry", paced(.create, retry)),
        ]
    }

    /// `handle` for as long as the project keeps to the pace.
    private func paced(
        _ kind: CallPace.Kind, _ handle: @escaping @Sendable (Call, ProjectID) async throws -> Answer
    ) -> @Sendable (Call, ProjectID) async throws -> Answer {
        guard let pace else { return handle }
        return { call, project in
            try pace.check(kind, project)
            return try await handle(call, project)
        }
    }

    private func create(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let body = try await call.body.collect(upTo: jsonBytesMax)
        let request = try BatchRequest(parsing: body, limits: limits, profile: profile)
        var new = NewBatch(
            project: project, inputFileID: request.input.fileID, endpoint: request.endpoint,
            window: request.window, metadata: request.metadata,
            outputExpiresAfterSeconds: request.outputExpiresAfterSeconds,
            priority: request.scheduling.priority ?? 0, lane: request.scheduling.lane ?? .normal,
            idempotencyKey: try Self.idempotencyKey(call.headers),
            requestSHA256: sha256(of: body), isRetry: Self.isRetry(call.headers))
        new.profile = profile
        new.name = request.name
        new.runningMax = limits.running(of: profile)
        try receivers.check(request.webhook?.url, param: "webhook.url")
        try receivers.check(request.callbackURL, param: "metadata.\(BatchMetadata.callbackKey)")
        try RemoteFields.check(input: request.input, output: request.output, receivers)
        new.inputURL = request.input.address
        new.outputURL = request.output?.url
        new.errorsURL = request.output?.errorsURL
        new.webhookURL = request.webhook?.url
        new.webhookSecret = try seal(request.webhook, project)
        new.callbackURL = request.callbackURL
        return .json(try await store.insertBatch(new).batch.batchObject(for: profile))
    }

    private func list(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let page = try await store.listBatches(
            project: project, after: try call.query["after"].map(Call.cursor).map(BatchID.init(rawValue:)),
            limit: try call.query.integer("limit", in: 1...100, standard: 20),
            filter: profile == .bailian ? try BatchFilterFields.read(call.query, limits.bailian) : BatchFilter())
        return .json(page.listObject(id: \.id.rawValue, object: { $0.batchObject(for: profile) }))
    }

    private func retrieve(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = try Self.batchID(call)
        guard let batch = try await store.findBatch(id, project: project) else { throw Self.notFound(id.rawValue) }
        return .json(batch.batchObject(for: profile))
    }

    private func cancel(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = try Self.batchID(call)
        _ = try await call.body.collect(upTo: Self.verbBytesMax)
        return .json(try await store.cancelBatch(id, project: project).batchObject(for: profile))
    }

    private func pause(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = try Self.batchID(call)
        _ = try await call.body.collect(upTo: Self.verbBytesMax)
        return .json(try await store.pauseBatch(id, project: project).batchObject(for: profile))
    }

    private func resume(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = try Self.batchID(call)
        _ = try await call.body.collect(upTo: Self.verbBytesMax)
        return .json(try await store.resumeBatch(id, project: project).batchObject(for: profile))
    }

    private func retry(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = try Self.batchID(call)
        let body = try await call.body.collect(upTo: jsonBytesMax)
        let request = try RetryRequest(parsing: body, limits: limits, profile: profile)
        // Two retries without a body are the same request only when they name the same batch.
        var hash = SHA256()
        hash.update(data: Array("retry \(id)\n".utf8))
        hash.update(data: body)
        var new = NewRetry(
            project: project, parent: id, idempotencyKey: try Self.idempotencyKey(call.headers),
            requestSHA256: Array(hash.finalize()), isRetry: Self.isRetry(call.headers))
        new.window = request.window
        new.metadata = request.metadata
        new.name = request.name
        new.runningMax = { [limits] in limits.running(of: $0) }
        new.priority = request.scheduling.priority
        new.lane = request.scheduling.lane
        try receivers.check(request.webhook?.url, param: "webhook.url")
        try receivers.check(request.callbackURL, param: "metadata.\(BatchMetadata.callbackKey)")
        try RemoteFields.check(input: nil, output: request.output, receivers)
        new.output = request.output.map { ($0.url, $0.errorsURL) }
        new.webhook = try request.webhook.map { ($0.url, try seal($0, project)) }
        new.callbackURL = request.callbackURL
        return .json(try await store.retryBatch(new).batch.batchObject(for: profile))
    }

    /// What makes a request to create a batch this one: its body and the profile.
    private func sha256(of body: [UInt8]) -> [UInt8] {
        guard profile != .openAI else { return Array(SHA256.hash(data: body)) }
        var hash = SHA256()
        hash.update(data: Array("\(profile.rawValue)\n".utf8))
        hash.update(data: body)
        return Array(hash.finalize())
    }

    private func seal(_ webhook: WebhookFields?, _ project: ProjectID) throws -> [UInt8]? {
        try webhook?.secret.map { try sealer.seal($0, context: SealedSecret.context(ofBatchesOf: project)) }
    }

    private static func batchID(_ call: Call) throws -> BatchID {
        guard let id = call.identifier else { throw notFound("") }
        return BatchID(rawValue: id)
    }

    private static func notFound(_ id: String) -> BatchError {
        .notFound("No batch found with id '\(id)'.")
    }

    /// The SDKs send no idempotency header of their own, but mark requests that they repeat.
    private static func isRetry(_ headers: HTTPFields) -> Bool {
        headers[.stainlessRetryCount].flatMap { Int($0) }.map { $0 >= 1 } ?? false
    }

    private static func idempotencyKey(_ headers: HTTPFields) throws -> String? {
        guard let key = headers[.idempotencyKey], !key.isEmpty else { return nil }
        guard key.utf8.count <= idempotencyKeyBytesMax, key.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw BatchError.invalid(
                "The Idempotency-Key header must have 1 to \(idempotencyKeyBytesMax) printable ASCII characters.",
                param: "Idempotency-Key")
        }
        return key
    }
}
