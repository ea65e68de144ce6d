// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import Crypto

extension ArkBatchDesk {
    /// Makes a job, or finds the one that an earlier attempt of the same call made. (contracts: Ark create request)
    func create(_ call: ArkCall) async throws -> JSONValue {
        let request = try ArkCreateRequest(ArkFields(call.parameters))
        let served = limits.models.served(request.model)
        guard modelIsKnown(served) else { throw Self.unknownModel(request.model, served) }
        var new = NewArkBatch(
            batch: NewBatch(
                project: call.caller.project, inputFileID: "", endpoint: Endpoint.chatCompletions.rawValue,
                window: request.window, requestSHA256: Self.fingerprint(request)),
            projectName: request.projectName, accessKeyID: call.caller.accessKeyID, name: request.name,
            description: request.description, tags: Self.tags(request).text, model: request.model,
            input: request.input, outputFolder: request.outputFolder,
            invocationID: request.isDryRun ? nil : call.invocationID)
        new.batch.model = served
        let (job, limits, files) = (new, limits, files)
        return try await refusing(nil) {
            // An attempt that succeeded is not judged anew, and stores are slow.
            if let made = try await store.findArkBatch(madeLike: job, limits: limits) { return Self.result(made) }
            try await files.check(request, project: call.caller.project)
            let id = try await store.insertArkBatch(job, limits: limits, isDryRun: request.isDryRun)
            return id.map(Self.result) ?? .object([])
        }
    }

    /// What actions answer that concern one job.
    static func result(_ id: BatchID) -> JSONValue { .object([.init("Id", .string(id.rawValue))]) }

    private static func tags(_ request: ArkCreateRequest) -> JSONValue {
        .array(
            request.tags.map { tag in
                .object([.init("Key", .string(tag.key)), .init("Value", .string(tag.value))])
            })
    }

    /// What makes a request this one, however its members were ordered.
    private static func fingerprint(_ request: ArkCreateRequest) -> [UInt8] {
        let model: [JSONValue] =
            switch request.model {
            case .foundation(let name, let version): [.string(name), .string(version)]
            case .custom(let id): [.string(id)]
            }
        let parts: [JSONValue] = [
            .string("ark"), .string(request.name), JSONValue(request.description), .string(request.projectName),
            .array(model), .string(request.input.description), .string(request.outputFolder.description),
            .string(request.window.text), tags(request),
        ]
        return Array(SHA256.hash(data: JSONValue.array(parts).bytes))
    }

    private static func unknownModel(_ model: ArkModel, _ served: String) -> ArkFault {
        let (code, name) =
            switch model {
            case .foundation(let name, let version): ("NotFound.FoundationModel", "\(name) in version \(version)")
            case .custom(let id): ("NotFound.CustomModel", id)
            }
        return ArkFault(
            code, status: 404,
            "No backend of this server serves the model \(name), which is '\(served)' there. GET /v1/models lists "
                + "those it has; the operator names others with ark.models.")
    }
}

extension ArkModels {
    /// The model of the backends that serves what a request names.
    func served(_ model: ArkModel) -> String {
        switch model {
        case .foundation(let name, let version): served(name: name, version: version)
        case .custom(let id): served(id)
        }
    }
}
