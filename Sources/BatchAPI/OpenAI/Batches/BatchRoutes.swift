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

    /// What a cancel request may carry; it is not looked at.
    private static let cancelBytesMax = 64 << 10
    private static let idempotencyKeyBytesMax = 255

    /// The table of these routes.
    var routes: [Route] {
        [
            .guarded(.post, "/v1/batches", create),
            .guarded(.get, "/v1/batches", list),
            .guarded(.get, "/v1/batches/{id}", retrieve),
            .guarded(.post, "/v1/batches/{id}/cancel", cancel),
        ]
    }

    private func create(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let body = try await call.body.collect(upTo: jsonBytesMax)
        let request = try BatchRequest(parsing: body, limits: limits)
        let (batch, _) = try await store.insertBatch(
            NewBatch(
                project: project, inputFileID: request.inputFileID, endpoint: request.endpoint.rawValue,
                window: request.window, metadata: request.metadata,
                outputExpiresAfterSeconds: request.outputExpiresAfterSeconds,
                idempotencyKey: try Self.idempotencyKey(call.headers),
                requestSHA256: Array(SHA256.hash(data: body)), isRetry: Self.isRetry(call.headers)))
        return .json(batch.batchObject)
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
        _ = try await call.body.collect(upTo: Self.cancelBytesMax)
        return .json(try await store.cancelBatch(id, project: project).batchObject)
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
