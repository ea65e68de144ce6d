// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchFiles
internal import BatchStore
internal import Logging

/// The Finalize room: writes output and error file in input order, seals them, and ends the batch in one commit.
///
/// Taking the duty fences every worker out, so the rows do not change under the merge. A crash leaves blobs that no row
/// names; the next duty holder writes the same bytes anew.
struct BatchFinalizer: Sendable {
    let store: Store
    let vault: any FileVault
    let owner: CoordinatorID
    let keeper: DutyKeeper
    let configuration: CoordinatorConfiguration
    let logger: Logger

    /// Shards merged by one run on a connection: it is given back in between.
    private static let shardsPerRun: Int32 = 64

    /// Takes one batch and ends it; zero means that another may wait.
    func poll() async throws -> Duration? {
        guard
            let duty = try await store.claimFinalization(
                owner: owner, lease: configuration.dutyLease, grace: configuration.closeGrace)
        else { return nil }
        if try await !keeper.keep(duty.lease, while: { try await finalize(duty) }) {
            logger.info("finalization was taken over or called off", metadata: ["batch": "\(duty.lease.batch)"])
        }
        return .zero
    }

    private func finalize(_ duty: FinalizationDuty) async throws {
        let output = try await vault.begin()
        do {
            let error = try await vault.begin()
            do {
                try await write(duty, output, error)
            } catch let fault {
                await error.discard()
                throw fault
            }
        } catch let fault {
            await output.discard()
            throw fault
        }
    }

    private func write(_ duty: FinalizationDuty, _ output: any BlobWriter, _ error: any BlobWriter) async throws {
        let tally = try await merge(duty, output, error)
        try check(tally, duty)
        let outputFile = tally.completed > 0 ? file(try await output.seal(), "output", duty) : nil
        let errorFile = tally.total > tally.completed ? file(try await error.seal(), "error", duty) : nil
        if outputFile == nil { await output.discard() }
        if errorFile == nil { await error.discard() }
        let publication = Publication(
            output: outputFile, error: errorFile,
            counts: RequestCounts(total: duty.total, completed: tally.completed, failed: tally.failed),
            usage: tally.usage, event: .random())
        // A thrown error may hide a commit that took place: the blobs stay, and the pruner removes what no row names.
        guard try await store.publishBatch(duty, publication) else {
            for file in [outputFile, errorFile].compactMap(\.self) { try await vault.delete(file.vaultKey) }
            throw DutyLost()
        }
        logger.info(
            "batch has ended",
            metadata: [
                "batch": "\(duty.lease.batch)", "ending": "\(duty.ending)", "completed": "\(tally.completed)",
                "failed": "\(tally.failed)", "unexecuted": "\(tally.unexecuted)",
            ])
    }

    private func merge(
        _ duty: FinalizationDuty, _ output: any BlobWriter, _ error: any BlobWriter
    ) async throws -> MergeTally {
        let merger = ResultMerger(
            duty: duty, output: output, error: error, spoolMemoryMax: configuration.spoolMemoryBytesMax,
            spoolDirectory: configuration.spoolDirectory)
        var tally = MergeTally()
        for first in stride(from: 0, to: duty.shardCount, by: Int(Self.shardsPerRun)) {
            let range = first..<min(first + Self.shardsPerRun, duty.shardCount)
            let firstLine = tally.total
            let run = try await store.readResults(of: duty.lease.batch) { reader in
                try merger.merge(range, firstLine: firstLine, reader: reader)
            }
            tally.completed += run.completed
            tally.failed += run.failed
            tally.unexecuted += run.unexecuted
            tally.usage = tally.usage + run.usage
        }
        return tally
    }

    /// The first invariant, checked before anything is published.
    private func check(_ tally: MergeTally, _ duty: FinalizationDuty) throws {
        guard tally.total == duty.total else {
            throw FinalizeFault(
                batch: duty.lease.batch, reason: "\(tally.total) lines were written, the batch has \(duty.total)")
        }
        guard duty.ending != .completed || tally.unexecuted == 0 else {
            throw FinalizeFault(
                batch: duty.lease.batch, reason: "\(tally.unexecuted) lines lack a result in a completed batch")
        }
    }

    private func file(_ blob: SealedBlob, _ kind: String, _ duty: FinalizationDuty) -> NewFile {
        let lifetime = duty.outputExpiresAfterSeconds ?? configuration.limits.outputExpiresAfterSeconds
        return NewFile(
            id: .random(), project: duty.project, purpose: .batchOutput,
            filename: "\(duty.lease.batch)_\(kind).jsonl", bytes: blob.bytes, sha256: blob.sha256,
            vaultKey: blob.vaultKey, expiresAfterSeconds: lifetime > 0 ? lifetime : nil)
    }
}
