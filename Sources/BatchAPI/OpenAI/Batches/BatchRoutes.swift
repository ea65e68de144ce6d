// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import Crypto
import HTTPTypes

/// The routes of batches. (contracts: OpenAI batches)
struct BatchRoutes: Sendable {
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
        [
            .guarded(.post, "/v1/batches", create),
            .guarded(.get, "/v1/batches", list),
            .guarded(.get, "/v1/batches/{id}", retrieve),
            .guarded(.post, "/v1/batches/{id}/cancel", cancel),
            .guarded(.post, "/v1/batches/{id}/pause", pause),
            .guarded(.post, "/v1/batches/{id}/resume", resume),
            .guarded(.post, "/v1/batches/{id}/retry", retry),
        ]
    }

    private func create(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let body = try await call.body.collect(upTo: jsonBytesMax)
        let request = try BatchRequest(parsing: body, limits: limits)
        var new = NewBatch(
            project: project, inputFileID: request.inputFileID, endpoint: request.endpoint,
            window: request.window, metadata: request.metadata,
            outputExpiresAfterSeconds: request.outputExpiresAfterSeconds,
            priority: request.scheduling.priority ?? 0, lane: request.scheduling.lane ?? .normal,
            idempotencyKey: try Self.idempotencyKey(call.headers),
            requestSHA256: Array(SHA256.hash(data: body)), isRetry: Self.isRetry(call.headers))
        try receivers.check(request.webhook?.url, param: "webhook.url")
        try receivers.check(request.callbackURL, param: "metadata.\(BatchMetadata.callbackKey)")
        new.webhookURL = request.webhook?.url
        new.webhookSecret = try seal(request.webhook, project)
        new.callbackURL = request.callbackURL
        return .json(try await store.insertBatch(new).batch.batchObject)
    }

    private func list(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let page = try await store.listBatches(
            project: project, after: try call.query["after"].map(Call.cursor).map(BatchID.init(rawValue:)),
            limit: try call.query.integer("limit", in: 1...100, standard: 20))
        return .json(page.listObject(id: \.id.rawValue, object: \.batchObject))
    }

    private func retrieve(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = try Self.batchID(call)
        guard let batch = try await store.findBatch(id, project: project) else { throw Self.notFound(id.rawValue) }
        return .json(batch.batchObject)
    }

    private func cancel(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = try Self.batchID(call)
        _ = try await call.body.collect(upTo: Self.verbBytesMax)
        return .json(try await store.cancelBatch(id, project: project).batchObject)
    }

    private func pause(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = try Self.batchID(call)
        _ = try await call.body.collect(upTo: Self.verbBytesMax)
        return .json(try await store.pauseBatch(id, project: project).batchObject)
    }

    private func resume(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = try Self.batchID(call)
        _ = try await call.body.collect(upTo: Self.verbBytesMax)
        return .json(try await store.resumeBatch(id, project: project).batchObject)
    }

    private func retry(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let id = try Self.batchID(call)
        let body = try await call.body.collect(upTo: jsonBytesMax)
        let request = try RetryRequest(parsing: body, limits: limits)
        // Two retries without a body are the same request only when they name the same batch.
        var hash = SHA256()
        hash.update(data: Array("retry \(id)\n".utf8))
        hash.update(data: body)
        var new = NewRetry(
            project: project, parent: id, idempotencyKey: try Self.idempotencyKey(call.headers),
            requestSHA256: Array(hash.finalize()), isRetry: Self.isRetry(call.headers))
        new.window = request.window
        new.metadata = request.metadata
        new.priority = request.scheduling.priority
        new.lane = request.scheduling.lane
        try receivers.check(request.webhook?.url, param: "webhook.url")
        try receivers.check(request.callbackURL, param: "metadata.\(BatchMetadata.callbackKey)")
        new.webhook = try request.webhook.map { ($0.url, try seal($0, project)) }
        new.callbackURL = request.callbackURL
        return .json(try await store.retryBatch(new).batch.batchObject)
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
