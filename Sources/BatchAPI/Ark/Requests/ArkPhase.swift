// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// Where a batch stands, in Ark's words. (contracts: Ark phases)
enum ArkPhase: String, CaseIterable, Hashable, Sendable {
    /// It waits for its turn.
    case queued = "Queued"
    /// Its file is being checked.
    case initializing = "Initializing"
    case running = "Running"
    /// Every line has its result, a good one or an error.
    case completed = "Completed"
    /// It was stopped, or its time is over; what is under way is being finished.
    case terminating = "Terminating"
    /// It was stopped, or its time is over.
    case terminated = "Terminated"
    /// Its file cannot be run.
    case failed = "Failed"

    /// The phase of a batch.
    ///
    /// - Parameters:
    ///   - ending: how a batch will end that is being finalized; nil while that is open.
    ///   - isWaiting: whether nobody has begun to check its file yet.
    init(of status: BatchStatus, ending: BatchEnding?, isWaiting: Bool) {
        self =
            switch status {
            case .validating: isWaiting ? .queued : .initializing
            case .inProgress: .running
            case .finalizing: ending == .expired ? .terminating : .running
            case .completed: .completed
            case .cancelling: .terminating
            case .cancelled, .expired: .terminated
            case .failed: .failed
            }
    }
}
