// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore

extension ArkJobDesk {
    /// Starts a job anew that was stopped, has expired or failed; what has a result is not called again.
    /// (contracts: Ark actions, phases)
    func resume(_ call: ArkCall) async throws -> JSONValue {
        let reference = try ArkReference(ArkFields(call.parameters))
        let job = try await job(reference.id, call)
        if reference.isDryRun { return Self.result(job.batch.id) }
        do {
            try await refusing(job.batch.id) {
                try await store.resumeArkJob(job.batch.id, project: call.caller.project)
            }
        } catch let error as BatchError where error.status == 404 {
            throw ArkFault.noJob(reference.id)
        } catch let error as BatchError where error.status == 409 {
            throw ArkFault.denied("ResumeNotAllowed", error.message)
        }
        return Self.result(job.batch.id)
    }
}
