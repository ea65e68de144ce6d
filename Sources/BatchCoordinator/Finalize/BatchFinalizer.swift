// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchFiles
internal import BatchStore
internal import Logging

/// The Finalize room: writes output, error and provenance file in input order, seals them, and ends the batch in one
/// commit.
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

    /// The files of a batch while they are written.
    private struct Writers {
        let output: any BlobWriter
        let error: any BlobWriter
        let provenance: (any BlobWriter)?
    }

    private func finalize(_ duty: FinalizationDuty) async throws {
        var open: [any BlobWriter] = []
        do {
            for _ in 0..<(configuration.writesProvenance ? 3 : 2) { open.append(try await vault.begin()) }
            let writers = Writers(output: open[0], error: open[1], provenance: open.count > 2 ? open[2] : nil)
            try await write(duty, writers)
        } catch let fault {
            for writer in open { await writer.discard() }
            throw fault
        }
    }

    private func write(_ duty: FinalizationDuty, _ writers: Writers) async throws {
        let tally = try await merge(duty, writers)
        try check(tally, duty)
        // Where a file is at a place that is known beforehand, an empty one is better than none or an old one.
        let hasOutput = tally.completed > 0 || duty.profile.writesEmptyOutput && duty.total > 0
        let outputFile = try await seal(writers.output, .output, isWanted: hasOutput, duty)
        let hasErrors = tally.total > tally.completed || duty.hadErrors
        let errorFile = try await seal(writers.error, .error, isWanted: hasErrors, duty)
        let provenanceFile: NewFile? =
            if let writer = writers.provenance {
                try await seal(writer, .provenance, isWanted: tally.total > 0, duty)
            } else {
                nil
            }
        var publication = Publication(
            output: outputFile, error: errorFile, provenance: provenanceFile,
            counts: RequestCounts(total: duty.total, completed: tally.completed, failed: tally.failed),
            usage: tally.usage, event: .random())
        publication.resumeWithin = configuration.resumeWithin(duty.profile)
        // A thrown error may hide a commit that took place: the blobs stay, and the pruner removes what no row names.
        let isDone =
            duty.isDelivered
            ? try await store.holdResults(duty, publication) : try await store.publishBatch(duty, publication)
        guard isDone else {
            for file in publication.files { try await vault.delete(file.vaultKey) }
            throw DutyLost()
        }
        logger.info(
            duty.isDelivered ? "results wait for their delivery" : "batch has ended",
            metadata: [
                "batch": "\(duty.lease.batch)", "ending": "\(duty.ending)", "completed": "\(tally.completed)",
                "failed": "\(tally.failed)", "unexecuted": "\(tally.unexecuted)",
            ])
    }

    private func merge(_ duty: FinalizationDuty, _ writers: Writers) async throws -> MergeTally {
        let merger = ResultMerger(
            duty: duty, output: writers.output, error: writers.error, provenance: writers.provenance,
            spoolMemoryMax: configuration.spoolMemoryBytesMax, spoolDirectory: configuration.spoolDirectory)
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

    /// The file of a writer; nil, and what was begun is given up, when there shall be none.
    private func seal(
        _ writer: any BlobWriter, _ kind: FileKind, isWanted: Bool, _ duty: FinalizationDuty
    ) async throws -> NewFile? {
        guard isWanted else {
            await writer.discard()
            return nil
        }
        let blob = try await writer.seal()
        let lifetime = duty.outputExpiresAfterSeconds ?? configuration.limits.of(duty.profile).outputExpiresAfterSeconds
        return NewFile(
            id: duty.profile.fileID(kind), project: duty.project, purpose: .batchOutput,
            filename: "\(duty.lease.batch)_\(kind.rawValue).jsonl", bytes: blob.bytes, sha256: blob.sha256,
            vaultKey: blob.vaultKey, expiresAfterSeconds: lifetime > 0 ? lifetime : nil)
    }
}
