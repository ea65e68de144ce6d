// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Logging

/// One of the worker's places for a call: takes a line, calls, leaves the result, until the desk closes.
///
/// A slot's task lives long; it is replaced only after its call was aborted, because a cancelled task stays cancelled.
struct Slot: Sendable {
    /// 0-based.
    let number: Int
    /// Where lines come from and results go.
    let desk: CallDesk
    /// Makes the calls.
    let caller: any LineCalling
    /// Counts them.
    let statistics: WorkerStatistics
    /// Hears of failed attempts at level debug.
    let logger: Logger

    /// Serves until the desk closes or the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let task = Task { await serve() }
            desk.attach(task, slot: number)
            let isClosed = await withTaskCancellationHandler {
                await task.value
            } onCancel: {
                task.cancel()
            }
            if isClosed { return }
        }
    }

    /// Serves until the desk closes (true) or its call was aborted (false).
    private func serve() async -> Bool {
        while let started = await desk.next(slot: number) {
            let request = started.lines.request(
                ordinal: started.line.ordinal, attempt: started.line.attempt, windowEnds: started.windowEnds)
            let begun = ContinuousClock.now
            let result = await caller.attempt(request, along: started.route, at: started.place)
            statistics.countCall(ContinuousClock.now - begun)
            if case .again(let delay, let reason) = result {
                logger.debug(
                    "a call failed and will be repeated",
                    metadata: [
                        "line": "\(started.line.ordinal)", "attempt": "\(started.line.attempt)",
                        "retry_in": "\(delay)", "error": "\(reason)",
                    ])
            }
            desk.finish(slot: number, started, result)
            if Task.isCancelled { return false }
        }
        return true
    }
}
