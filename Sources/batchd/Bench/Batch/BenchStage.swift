// SPDX-License-Identifier: Apache-2.0

/// The parts of a batch's way that the outside can tell apart, in order.
enum BenchStage: String, CaseIterable, Sendable {
    /// The client sends the file; the coordinator hashes and stores it.
    case upload
    /// From the batch's creation until its lines are open to workers.
    case split
    /// Until every line has its recorded result.
    case run
    /// Until the result files are published.
    case finalize
    /// The client fetches them.
    case download
}

/// What one stage took.
struct StageFigures: Hashable, Sendable {
    /// Which stage.
    var stage: BenchStage
    /// From its beginning to its end, by this process's clock.
    var wall: Duration
    /// What the processes used meanwhile.
    var cpu: CPUReading
}

extension Duration {
    /// In seconds.
    var inSeconds: Double { self / .seconds(1) }
}
