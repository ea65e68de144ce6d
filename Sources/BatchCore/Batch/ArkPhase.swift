// SPDX-License-Identifier: Apache-2.0

/// Where a job stands, in Ark's words; the database derives it from the status of the batch. (contracts: Ark phases)
package enum ArkPhase: String, CaseIterable, Hashable, Sendable {
    /// It waits for its turn.
    case queued = "Queued"
    /// Its file is being fetched and checked.
    case initializing = "Initializing"
    /// Its lines are being called, or its files written.
    case running = "Running"
    /// Every line has its result, a good one or an error.
    case completed = "Completed"
    /// It was stopped, or its time is over; what is under way is being finished.
    case terminating = "Terminating"
    /// It was stopped, or its time is over.
    case terminated = "Terminated"
    /// Its file cannot be run.
    case failed = "Failed"

    /// Whether nothing happens to it any more unless somebody resumes it.
    package var hasEnded: Bool {
        switch self {
        case .completed, .terminated, .failed: true
        case .queued, .initializing, .running, .terminating: false
        }
    }
}
