// SPDX-License-Identifier: Apache-2.0

/// The public status of a batch, equal to the wire text and the column. (contracts: OpenAI batch state machine)
package enum BatchStatus: String, CaseIterable, Codable, Hashable, Sendable {
    /// The file waits for, or is under, validation and splitting. Moved on by the coordinator's Validate room.
    case validating
    /// A line broke a rule; nothing was sent to a backend. Terminal.
    case failed
    /// Shards are open to workers. Moved on by the Finalize room when the last shard is done or the window has passed.
    case inProgress = "in_progress"
    /// No call is started any more; the files are being written. Moved on by the Finalize room.
    case finalizing
    /// Every line has its result. Terminal.
    case completed
    /// The completion window passed; what was finished is kept. Terminal.
    case expired
    /// The user asked to stop; calls in flight may still end. Moved on by the Finalize room.
    case cancelling
    /// Stopped by the user; what was finished is kept. Terminal.
    case cancelled

    /// Whether nothing about the batch changes any more, unless it is an Ark job and is resumed.
    package var isTerminal: Bool {
        switch self {
        case .failed, .completed, .expired, .cancelled: true
        case .validating, .inProgress, .finalizing, .cancelling: false
        }
    }

    /// Whether calls may still be started, now or later: only then a batch can be paused.
    package var mayStartCalls: Bool {
        switch self {
        case .validating, .inProgress: true
        case .failed, .finalizing, .completed, .expired, .cancelling, .cancelled: false
        }
    }
}

/// Something that happens to a batch and may move its status.
package enum BatchEvent: String, CaseIterable, Hashable, Sendable {
    /// Validation found problems.
    case refuse
    /// Every line is valid and every shard is stored.
    case open
    /// The last shard is done.
    case exhaust
    /// `expires_at` has passed on the database's clock.
    case expire
    /// The user asked to cancel.
    case cancel
    /// The result files are published; the batch's ending decides the terminal status.
    case publish
    /// The user asked to go on after an early end, or one whose results were not delivered; in Ark's profile only, as
    /// long as what was done is kept.
    case resume
}

/// How a batch that is being finalized will end; decided when it leaves `in_progress` or `validating`.
package enum BatchEnding: String, CaseIterable, Hashable, Sendable {
    /// Every line has a result.
    case completed
    /// The window passed first.
    case expired
    /// The user cancelled first.
    case cancelled
}

/// What an event does to a status.
package enum BatchTransition: Hashable, Sendable {
    /// The status becomes this one, by compare-and-set.
    case move(BatchStatus)
    /// Nothing changes, and that is no error (cancel of a batch that is already cancelling).
    case stay
    /// The event makes no sense in that status.
    case refuse
}

/// The state machine of a batch: a total function over status and event.
///
/// The SQL statements repeat each arrow as a compare-and-set, and the table's CHECK constraints repeat the invariants.
package enum BatchLifecycle {
    /// What `event` does to a batch in `status` that is heading for `ending` (nil while undecided).
    package static func transition(
        from status: BatchStatus, on event: BatchEvent, ending: BatchEnding? = nil
    ) -> BatchTransition {
        switch (status, event) {
        case (.validating, .refuse): .move(.failed)
        case (.validating, .open): .move(.inProgress)
        case (.validating, .cancel), (.inProgress, .cancel), (.finalizing, .cancel): .move(.cancelling)
        case (.cancelling, .cancel), (.cancelled, .cancel): .stay
        case (.inProgress, .exhaust), (.inProgress, .expire): .move(.finalizing)
        case (.validating, .expire): .move(.finalizing)
        case (.finalizing, .publish): .move(ending == .expired ? .expired : .completed)
        case (.cancelling, .publish): .move(.cancelled)
        case (.failed, .resume), (.expired, .resume), (.cancelled, .resume), (.completed, .resume): .move(.validating)
        default: .refuse
        }
    }
}
