// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore
import Glibc

/// One batch of a campaign, from its input file to its end.
struct ChaosBatch: Sendable {
    /// What is in it.
    let input: BenchInput
    /// Its name in files.
    let name: String
    /// Share of its lines after which it is cancelled; nil lets it run.
    let cancelAfter: Double?

    /// What became of it.
    struct Ended: Sendable {
        /// The batch.
        let batch: ChaosBatch
        /// What was seen of it.
        let watch: BatchWatch
    }

    /// Time between two looks.
    private static let pollEvery = Duration.milliseconds(40)

    /// Sends the batch in and watches it to its end.
    func run(
        desk: ChaosDesk, directory: BenchDirectory, findings: ChaosFindings, timeline: ChaosTimeline,
        until deadline: @Sendable () -> ContinuousClock.Instant
    ) async throws -> Ended {
        let (path, input) = (inputPath(directory), input)
        try await BlockingWork.run { try input.write(to: path) }
        let uploaded = try await desk.ask("upload \(name)", until: deadline()) { client throws(ClientError) in
            try await client.uploadFile(try LocalFile(path: path)).value
        }
        let order = BatchOrder(
            inputFileID: uploaded.id, endpoint: input.endpoint, window: "24h",
            metadata: [BatchOrder.Label("ds_name", name)])
        // One key for all attempts: however many coordinators die over it, there is one batch.
        let key = newIdempotencyKey()
        let created = try await desk.ask("create \(name)", until: deadline()) { client throws(ClientError) in
            try await client.createBatch(order, idempotencyKey: key).value
        }
        timeline.progressed()
        var watch = BatchWatch(created, findings: findings, timeline: timeline)
        while !watch.last.isTerminal {
            if let cancelAfter, watch.cancelledAt == nil, watch.last.knownStatus == .inProgress,
                Double(watch.last.counts.completed) >= cancelAfter * Double(input.lines)
            {
                watch.see(
                    try await desk.ask("cancel \(name)", until: deadline()) { client throws(ClientError) in
                        try await client.cancelBatch(created.id).value
                    })
                watch.cancelledAt = CallRecord.now()
            }
            try await Task.sleep(for: Self.pollEvery)
            watch.see(
                try await desk.ask("look at \(name)", until: deadline()) { client throws(ClientError) in
                    try await client.batch(created.id).value
                })
            guard ContinuousClock.now < deadline() else {
                let counts = watch.last.counts
                throw BenchFault(
                    """
                    \(name), \(created.id), is stuck: \(watch.last.status) with \(counts.completed) + \(counts.failed) \
                    of \(counts.total) lines
                    """)
            }
        }
        unlink(path)
        return Ended(batch: self, watch: watch)
    }

    /// Where its input file is while it is sent.
    private func inputPath(_ directory: BenchDirectory) -> String { "\(directory.path)/\(name).jsonl" }
}
