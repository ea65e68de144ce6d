// SPDX-License-Identifier: Apache-2.0
import Logging
import ServiceLifecycle
import Synchronization

/// Services that start and stop together: at graceful shutdown all of them drain at the same time.
///
/// When one fails, the others are not cut off: `onFailure` asks for the shutdown of the whole program, and the error is
/// thrown when all have ended.
struct ParallelServices: Service {
    /// What runs, with the name that the log calls it.
    let services: [(name: String, service: any Service)]
    /// Hears of failures.
    let logger: Logger
    /// Asks for the end of everything.
    let onFailure: @Sendable () -> Void

    /// Runs all of them until all have ended; throws what the first failure was.
    func run() async throws {
        let failure = FirstError()
        await withTaskGroup(of: Void.self) { group in
            for (name, service) in services {
                group.addTask {
                    do {
                        try await service.run()
                        guard !Task.isCancelled && !Task.isShuttingDownGracefully else { return }
                        throw ProgramFault(exitCode: ExitCodes.failure, description: "\(name) ended by itself")
                    } catch {
                        if error is CancellationError && (Task.isCancelled || Task.isShuttingDownGracefully) { return }
                        logger.critical("\(name) failed; batchd stops", metadata: ["error": "\(error)"])
                        failure.keep(error)
                        onFailure()
                    }
                }
            }
        }
        if let error = failure.error { throw error }
    }
}

/// Remembers the first of several errors.
private final class FirstError: Sendable {
    private let first = Mutex<(any Error)?>(nil)

    var error: (any Error)? { first.withLock { $0 } }

    func keep(_ error: any Error) {
        first.withLock { first in
            if first == nil { first = error }
        }
    }
}
