// SPDX-License-Identifier: Apache-2.0
package import BatchCore
import Synchronization

/// How far a run has come, at one moment.
package struct RunProgress: Hashable, Sendable {
    /// What it is doing; each stage begins after the one before has ended.
    package enum Stage: Hashable, Sendable {
        /// Reading an input that can be read only once; counted in bytes.
        case reading
        /// Checking the whole input; counted in bytes.
        case checking
        /// Comparing earlier results with the input; counted in lines.
        case comparing
        /// Calling; counted in lines.
        case running
        /// Sending the results to their URL; counted in bytes.
        case uploading
    }

    /// What it is doing.
    package var stage = Stage.reading
    /// How much of that is done.
    package var done: Int64 = 0
    /// How much there is; nil when unknown.
    package var total: Int64?
    /// Lines that have failed.
    package var failed: Int64 = 0
}

/// Where a run leaves its progress for whoever shows it.
final class ProgressBoard: Sendable {
    private let state = Mutex(RunProgress())

    /// The present state.
    var progress: RunProgress { state.withLock { $0 } }

    /// A new stage begins.
    func begin(_ stage: RunProgress.Stage, done: Int64 = 0, total: Int64?) {
        state.withLock { $0 = RunProgress(stage: stage, done: done, total: total) }
    }

    /// So much of the stage is done.
    func update(done: Int64, failed: Int64 = 0) {
        state.withLock {
            $0.done = done
            $0.failed = failed
        }
    }
}

/// What a run came to.
package struct RunReport: Hashable, Sendable {
    /// Request lines of the input.
    package var total = 0
    /// Of these, lines that an earlier run had finished.
    package var earlier = 0
    /// Lines with an answer, earlier ones included.
    package var succeeded = 0
    /// Lines without, earlier ones included.
    package var failed = 0
    /// Calls made by this run, repeated ones included.
    package var calls = 0
    /// Tokens of this run's answers.
    package var usage = Usage()
    /// Time from start to end.
    package var duration = Duration.zero
}
