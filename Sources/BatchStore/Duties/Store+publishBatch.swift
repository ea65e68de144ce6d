// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// Everything that becomes visible when a batch ends.
package struct Publication: Sendable {
    /// The sealed output file; nil when no line succeeded.
    package var output: NewFile?
    /// The sealed error file; nil when no line failed or was left out.
    package var error: NewFile?
    /// The sealed file that tells how each line was run; nil when there are no lines or the server keeps none.
    package var provenance: NewFile?
    /// The final counts.
    package var counts: RequestCounts
    /// The final sums of tokens.
    package var usage: Usage
    /// How the delivery elsewhere ended; nil when there was none.
    package var remote: RemoteOutcome?
    /// How long lines and results are kept should the batch end early, or its delivery fail, so that it can be resumed;
    /// nil: not at all.
    package var resumeWithin: Duration?
    /// The id of the event that tells of it.
    package var event: EventID

    /// The files it makes visible.
    package var files: [NewFile] { [output, error, provenance].compactMap(\.self) }

    /// Everything that becomes visible when a batch ends.
    package init(
        output: NewFile?, error: NewFile?, provenance: NewFile? = nil, counts: RequestCounts, usage: Usage,
        event: EventID
    ) {
        self.output = output
        self.error = error
        self.provenance = provenance
        self.counts = counts
        self.usage = usage
        self.event = event
    }
}

extension Store {
    /// Ends a batch: file rows, terminal status, file ids, counts and the event become visible in one commit.
    ///
    /// False when the duty is lost or the status changed since it was taken (a cancel came in); then nothing was
    /// written.
    package func publishBatch(_ duty: FinalizationDuty, _ publication: Publication) async throws -> Bool {
        guard
            case .move(let status) = BatchLifecycle.transition(
                from: duty.status, on: .publish, ending: duty.ending)
        else { return false }
        do {
            try await pool.transaction { session in try Self.publish(duty, publication, status, session) }
            return true
        } catch is LostDuty {
            return false
        }
    }

    private static func publish(
        _ duty: FinalizationDuty, _ publication: Publication, _ status: BatchStatus, _ session: Session
    ) throws {
        for file in publication.files { _ = try insertFile(file, session) }
        let mayGoOn = status != .completed || publication.remote?.status == .failed
        let rows = try session.query(
            """
            update batches set status = \(status.rawValue), ending = \(duty.ending.rawValue),
                output_file_id = \(publication.output?.id.rawValue),
                error_file_id = \(publication.error?.id.rawValue),
                provenance_file_id = \(publication.provenance?.id.rawValue),
                completed = \(publication.counts.completed), failed = \(publication.counts.failed),
                input_tokens = \(publication.usage.inputTokens), cached_tokens = \(publication.usage.cachedTokens),
                output_tokens = \(publication.usage.outputTokens),
                reasoning_tokens = \(publication.usage.reasoningTokens),
                total_tokens = \(publication.usage.totalTokens), owner = null, owner_until = null,
                output_status = \(publication.remote?.status.rawValue), output_error = \(publication.remote?.error),
                output_objects = \(publication.remote?.objectsText),
                resumable_until = case when \(mayGoOn) and in_progress_at is not null
                    then clock_timestamp() + \(publication.resumeWithin) end,
                completed_at = case when \(status == .completed) then clock_timestamp() end,
                expired_at = case when \(status == .expired) then clock_timestamp() end,
                cancelled_at = case when \(status == .cancelled) then clock_timestamp() end
            where id = \(duty.lease.batch.rawValue) and owner_epoch = \(duty.lease.epoch)
              and status = \(duty.status.rawValue)
            returning id
            """)
        guard !rows.isEmpty else { throw LostDuty() }
        if publication.remote != nil {
            try session.execute("delete from held_files where batch_id = \(duty.lease.batch.rawValue)")
        }
        try dropFetchedInput(of: duty.lease.batch, session)
        try insertEvent(
            publication.event, batch: duty.lease.batch, type: "batch.\(status.rawValue)", session)
        try session.query("select pg_notify(\(Signals.batches), \(duty.lease.batch.rawValue))")
    }
}

/// Thrown inside the transaction to take the file rows back.
private struct LostDuty: Error {}
