// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore

/// Takes a batch through everything, from the local input file to the checked results, and measures each stage.
struct BatchPassage: Sendable {
    /// The server.
    let client: Client
    /// What is in the input file.
    let input: BenchInput
    /// Where the input file is and the results go.
    let directory: BenchDirectory
    /// Whose processor time is measured.
    let processes: BenchedProcesses
    /// Time between two looks at the batch: how exact the ends of stages are.
    let pollEvery: Duration
    /// When to give up.
    let deadline: ContinuousClock.Instant

    /// How many results a batch had and what each of its stages took.
    struct Figures: Sendable {
        /// The stages in order.
        var stages: [StageFigures]
        /// Lines that failed, as a backend may make them.
        var failed: Int64
        /// The uploaded input file, which other batches may use again.
        var fileID: String
    }

    private struct Mark {
        let time = ContinuousClock.now
        let cpu: CPUReading
    }

    /// Runs the batch. The input file is there already; results are checked after the last stage.
    func run() async throws -> Figures {
        var marks = [mark()]
        let file = try await client.uploadFile(try LocalFile(path: directory.input)).value
        marks.append(mark())
        let created = try await client.createBatch(
            BatchOrder(inputFileID: file.id, endpoint: input.endpoint, window: "24h")
        ).value
        let follower = BatchFollower(client: client, id: created.id, pollEvery: pollEvery, deadline: deadline)
        var batch = created
        for rank in 1...3 {
            batch = try await follower.until { $0.progressRank >= rank }
            marks.append(mark())
        }
        let parts = try await download(batch)
        marks.append(mark())
        for part in parts { try await part.finish() }
        try await Self.check(batch, lines: input.lines, in: directory)
        let stages = BenchStage.allCases.indices.map { index in
            StageFigures(
                stage: BenchStage.allCases[index], wall: marks[index + 1].time - marks[index].time,
                cpu: marks[index + 1].cpu - marks[index].cpu)
        }
        return Figures(stages: stages, failed: batch.counts.failed, fileID: file.id)
    }

    /// Fetches the results of a batch and checks them, without measuring.
    static func verify(
        _ batch: WireBatch, lines: Int, from client: Client, in directory: BenchDirectory
    ) async throws {
        for part in try await fetch(batch, from: client, to: directory) { try await part.finish() }
        try await check(batch, lines: lines, in: directory)
    }

    private func mark() -> Mark { Mark(cpu: processes.cpu) }

    private func download(_ batch: WireBatch) async throws -> [PartFile] {
        try await Self.fetch(batch, from: client, to: directory)
    }

    private static func fetch(
        _ batch: WireBatch, from client: Client, to directory: BenchDirectory
    ) async throws -> [PartFile] {
        var parts: [PartFile] = []
        for (id, path) in results(of: batch, in: directory) {
            let part = try PartFile(destination: path, fileID: id)
            try await client.downloadFile(id, to: part)
            parts.append(part)
        }
        return parts
    }

    private static func check(_ batch: WireBatch, lines: Int, in directory: BenchDirectory) async throws {
        let paths = results(of: batch, in: directory).map(\.path)
        try await BlockingWork.run {
            var order = ResultOrder(lines: lines)
            for path in paths { try order.read(path) }
            try order.finish()
        }
        guard batch.counts.total == lines, batch.counts.completed + batch.counts.failed == lines else {
            throw BenchFault("\(batch.id) counts \(batch.counts) for \(lines) lines")
        }
    }

    private static func results(of batch: WireBatch, in directory: BenchDirectory) -> [(id: String, path: String)] {
        [(batch.outputFileID, directory.output), (batch.errorFileID, directory.errors)]
            .compactMap { id, path in id.map { ($0, path) } }
    }
}
