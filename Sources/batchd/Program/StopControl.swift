// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import ServiceLifecycle
import Synchronization

/// Stops the program in order: while it starts by cancelling the start, afterwards by draining its services.
final class StopControl: Sendable {
    private struct State {
        var isAsked = false
        var isForced = false
        var task: Task<Void, any Error>?
        var group: ServiceGroup?
        var lastResort: Task<Void, any Error>?
        var isEnded = false
    }

    private let state = Mutex(State())
    private let logger: Logger
    private let deadline: Duration

    /// What the last resort adds to the deadline: time for what cancellation sets off.
    private static let margin = Duration.seconds(90)

    /// - Parameter deadline: longest orderly end; after that and a margin the process exits whatever hangs.
    init(deadline: Duration, logger: Logger) {
        self.deadline = deadline
        self.logger = logger
    }

    /// Whether a stop was asked for.
    var isAsked: Bool { state.withLock { $0.isAsked } }

    /// Whether the process will exit by force should nothing else end it.
    var hasLastResort: Bool { state.withLock { $0.lastResort.map { !$0.isCancelled } ?? false } }

    /// Runs `program` as a task that can be stopped; a stop that was asked for is no error.
    func run(_ program: @escaping @Sendable () async throws -> Void) async throws {
        let task = Task { try await program() }
        let isForced = state.withLock { state in
            state.task = task
            return state.isAsked
        }
        if isForced { task.cancel() }
        // A program that has ended needs no last resort: whoever ran it may have other things to do.
        defer {
            state.withLock { state in
                state.isEnded = true
                state.lastResort?.cancel()
            }
        }
        do {
            try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                self.ask(reason: "cancellation")
            }
        } catch is CancellationError where isAsked {}
    }

    /// Runs the group; from now on a stop drains its services.
    func run(_ group: ServiceGroup) async throws {
        let isLate = state.withLock { state in
            state.group = group
            return state.isAsked
        }
        if isLate { throw CancellationError() }
        try await group.run()
    }

    /// Asks for an orderly end; asking again changes nothing.
    func ask(reason: String) {
        let found = state.withLock { state -> State? in
            guard !state.isAsked else { return nil }
            state.isAsked = true
            return state
        }
        guard let found else { return }
        logger.notice("stopping", metadata: ["reason": "\(reason)", "deadline": "\(deadline)"])
        if let group = found.group {
            Task { await group.triggerGracefulShutdown() }
        } else {
            found.task?.cancel()
        }
        exitLater()
    }

    /// Ends at once: calls are aborted, what can be recorded quickly is. The third time the process exits on the spot.
    func force(reason: String) {
        let (task, isThird) = state.withLock { state in
            let isThird = state.isForced
            state.isForced = true
            return (state.task, isThird)
        }
        if isThird { _exit(ExitCodes.failure) }
        logger.warning("stopping at once", metadata: ["reason": "\(reason)"])
        task?.cancel()
    }

    private func exitLater() {
        let limit = deadline + Self.margin
        let logger = logger
        let lastResort = Task {
            try await Task.sleep(for: limit)
            logger.critical("batchd did not stop in time and exits", metadata: ["limit": "\(limit)"])
            _exit(ExitCodes.failure)
        }
        state.withLock { state in
            state.lastResort = lastResort
            if state.isEnded { lastResort.cancel() }
        }
    }
}
