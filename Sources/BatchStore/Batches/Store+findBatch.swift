// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// The batch of that id with live counts; nil when it is unknown or belongs to another project, or is a job of
    /// Ark's control plane (see ``findArkBatch(_:project:)``).
    package func findBatch(_ id: BatchID, project: ProjectID) async throws -> Batch? {
        try await pool.run(retryingConnectionLoss: true) { session in
            try Self.findBatch(id, project: project, session)
        }
    }

    /// The same inside a transaction; with `inArk` for Ark's jobs, and only these.
    static func findBatch(
        _ id: BatchID, project: ProjectID, inArk: Bool = false, _ session: Session
    ) throws -> Batch? {
        try session.query(
            """
            select \(unescaped: liveBatchColumns) from batches b \(unescaped: liveCounts)
            where b.id = \(id.rawValue) and b.project_id = \(project.rawValue) and b.lane <> 0
              and (b.profile = 'ark') = \(inArk)
            """
        ).first.map(batch)
    }

    /// While a batch is open its counts are the sums over its shards; the row's own are written once, at the end, so
    /// that workers never queue up behind one hot row.
    static let liveCounts: StaticString = """
        left join lateral (
            select sum(completed)::int8 as completed, sum(failed)::int8 as failed,
                sum(input_tokens)::int8 as input_tokens, sum(cached_tokens)::int8 as cached_tokens,
                sum(output_tokens)::int8 as output_tokens, sum(reasoning_tokens)::int8 as reasoning_tokens,
                sum(total_tokens)::int8 as total_tokens
            from shards where batch_id = b.id
        ) live on b.status in ('in_progress', 'finalizing', 'cancelling')
        """

    /// ``batchColumns`` with the sums of ``liveCounts`` where the batch is open.
    static let liveBatchColumns: StaticString = """
        b.id, b.project_id, b.status, b.input_file_id, b.endpoint, b.completion_window, b.model, b.metadata,
        b.output_expires_after_seconds, b.problems, b.output_file_id, b.error_file_id, b.total,
        coalesce(live.completed, b.completed) as completed, coalesce(live.failed, b.failed) as failed,
        coalesce(live.input_tokens, b.input_tokens) as input_tokens,
        coalesce(live.cached_tokens, b.cached_tokens) as cached_tokens,
        coalesce(live.output_tokens, b.output_tokens) as output_tokens,
        coalesce(live.reasoning_tokens, b.reasoning_tokens) as reasoning_tokens,
        coalesce(live.total_tokens, b.total_tokens) as total_tokens, b.created_at, b.expires_at,
        b.in_progress_at, b.finalizing_at, b.completed_at, b.failed_at, b.expired_at, b.cancelling_at, b.cancelled_at,
        b.paused_at, b.priority, b.lane, b.parent_batch_id, b.provenance_file_id, b.webhook_url, b.profile,
        b.input_url, b.output_url, b.errors_url, b.output_status, b.output_error, b.output_objects,
        b.name, b.queue
        """
}
