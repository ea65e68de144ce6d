// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import HTTPTypes

/// The routes of files in the manner of one profile. (contracts: OpenAI files; Bailian)
struct FileRoutes: Sendable {
    /// Whose manner it is.
    let profile: Profile
    /// Where files are recorded.
    let store: Store
    /// Receives files.
    let upload: FileUpload
    /// Sends files.
    let download: FileDownload

    /// The table of these routes.
    var routes: [Route] {
        let path = profile.pathPrefix + "/files"
        return [
            .guarded(.post, path, upload.receive),
            .guarded(.get, path, list),
            .guarded(.get, path + "/{id}", retrieve),
            .guarded(.delete, path + "/{id}", delete),
            .guarded(.get, path + "/{id}/content", download.send),
        ]
    }

    /// The file that the call names.
    ///
    /// - Throws: a 404 ``BatchCore/BatchError``, the same for unknown, deleted, expired and foreign files.
    static func find(_ call: Call, _ project: ProjectID, _ store: Store) async throws -> StoredFile {
        guard let id = call.identifier, let file = try await store.findFile(FileID(rawValue: id), project: project)
        else { throw notFound(call.identifier) }
        return file
    }

    private func list(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let isAscending = try call.query.choice("order", of: [("asc", true), ("desc", false)]) ?? false
        let purpose = try call.query.choice("purpose", of: FilePurpose.allCases.map { ($0.rawValue, $0) })
        let page = try await store.listFiles(
            project: project, after: try call.query["after"].map(Call.cursor).map(FileID.init(rawValue:)),
            limit: try call.query.integer("limit", in: 1...10_000, standard: 10_000), ascending: isAscending,
            purpose: purpose)
        return .json(page.listObject(id: \.id.rawValue, object: \.fileObject))
    }

    private func retrieve(_ call: Call, _ project: ProjectID) async throws -> Answer {
        .json(try await Self.find(call, project, store).fileObject)
    }

    private func delete(_ call: Call, _ project: ProjectID) async throws -> Answer {
        guard let id = call.identifier, try await store.deleteFile(FileID(rawValue: id), project: project) else {
            throw Self.notFound(call.identifier)
        }
        return .json(
            .object([
                .init("id", .string(id)), .init("object", .string("file")), .init("deleted", .bool(true)),
            ]))
    }

    private static func notFound(_ id: String?) -> BatchError {
        .notFound("No such File object: \(id ?? "")", param: "id")
    }
}
