// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore

/// What Ark's control plane can do with batch inference jobs. (contracts: Ark actions)
struct ArkJobDesk: Sendable {
    /// Where jobs are recorded.
    let store: Store
    /// What users may ask for.
    let limits: ArkLimits
    /// Looks at inputs and outputs before a job is made.
    let files: ArkFileCheck
    /// Whether some backend serves a model.
    let modelIsKnown: @Sendable (String) -> Bool

    /// Its actions by the names that requests use.
    var actions: [ArkAction] {
        [
            ArkAction(name: "CreateBatchInferenceJob", perform: create),
            ArkAction(name: "ListBatchInferenceJobs", perform: list),
            ArkAction(name: "GetBatchInferenceJob", perform: get),
            ArkAction(name: "UpdateBatchInferenceJob", perform: update),
            ArkAction(name: "StopBatchInferenceJob", perform: stop),
            ArkAction(name: "ResumeBatchInferenceJob", perform: resume),
            ArkAction(name: "DeleteBatchInferenceJob", perform: delete),
        ]
    }

    private func list(_ call: ArkCall) async throws -> JSONValue {
        let request = try ArkListRequest(ArkFields(call.parameters))
        let project = call.caller.project
        let page = try await store.listArkJobs(project: project, filter: request.filter, order: request.part)
        let note = try await queueNote(page.jobs, project)
        return .object([
            .init("Items", .array(page.jobs.map { $0.item(queueNote: note) })),
            .init("PageNumber", .integer(Int64(request.page))),
            .init("PageSize", .integer(Int64(request.pageSize))),
            .init("TotalCount", .integer(page.totalCount)),
        ])
    }

    private func get(_ call: ArkCall) async throws -> JSONValue {
        let job = try await job(try ArkReference(ArkFields(call.parameters)).id, call)
        return job.details(queueNote: try await queueNote([job], call.caller.project))
    }

    private func update(_ call: ArkCall) async throws -> JSONValue {
        let fields = ArkFields(call.parameters)
        let reference = try ArkReference(fields)
        let name = try fields.text("Name").map(ArkCreateRequest.name)
        let description = try fields.text(
            "Description", charactersMax: ArkCreateRequest.descriptionCharactersMax)
        let job = try await job(reference.id, call)
        if reference.isDryRun || (name == nil && description == nil) { return .object([]) }
        try await refusing(job.batch.id) {
            try await store.updateArkJob(
                job.batch.id, project: call.caller.project, name: name, description: description)
        }
        return .object([])
    }

    private func stop(_ call: ArkCall) async throws -> JSONValue {
        let reference = try ArkReference(ArkFields(call.parameters))
        let job = try await job(reference.id, call)
        switch job.batch.status {
        case .cancelling, .cancelled: return .object([])
        case .completed, .failed, .expired: throw Self.hasEnded(job.batch.id, job.phase)
        case .validating, .inProgress, .finalizing: break
        }
        if reference.isDryRun { return .object([]) }
        do {
            _ = try await store.cancelBatch(job.batch.id, project: call.caller.project, inArk: true)
        } catch let error as BatchError where error.status == 409 {
            throw Self.hasEnded(job.batch.id, try await self.job(reference.id, call).phase)
        }
        return .object([])
    }

    private func delete(_ call: ArkCall) async throws -> JSONValue {
        let reference = try ArkReference(ArkFields(call.parameters))
        let job = try await job(reference.id, call)
        try await refusing(job.batch.id) {
            guard job.phase.hasEnded else { throw ArkRefusal.notEnded(job.phase) }
            if !reference.isDryRun { try await store.deleteArkJob(job.batch.id, project: call.caller.project) }
        }
        return .object([])
    }

    /// The job of that id, of the caller's tenant.
    func job(_ id: String, _ call: ArkCall) async throws -> ArkJob {
        let job = try await store.findArkJob(BatchID(rawValue: id), project: call.caller.project)
        guard let job else { throw ArkFault.noJob(id) }
        return job
    }

    /// Runs what the store may refuse.
    func refusing<Value>(_ id: BatchID?, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let refusal as ArkRefusal {
            throw ArkFault(refusal, id: id)
        }
    }

    /// Why the queued ones among jobs of one project wait; nil when nobody knows more than that they do.
    private func queueNote(_ jobs: [ArkJob], _ project: ProjectID) async throws -> String? {
        guard limits.runningMax > 0, let queued = jobs.first(where: { $0.phase == .queued }) else { return nil }
        let running = try await store.countArkJobsUnderWay(project: project, projectName: queued.projectName)
        guard running >= Int64(limits.runningMax) else { return nil }
        return "Waits for its turn: \(running) jobs of the project '\(queued.projectName)' are under way, and at most "
            + "\(limits.runningMax) may be."
    }

    private static func hasEnded(_ id: BatchID, _ phase: ArkPhase) -> ArkFault {
        .denied(
            "PhaseNotAllowed",
            "The job \(id) is \(phase.rawValue): there is nothing to stop. DeleteBatchInferenceJob removes it.")
    }
}
