// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Logging

/// Keeps the calls going: starts every line that may start, takes each result to the desk, and puts the next line in
/// its place on the spot, on the thread on which the answer came. There is no task per call.
struct CallPump: Sendable {
    /// Where lines come from and results go.
    let desk: CallDesk
    /// Makes the calls.
    let caller: any LineCalling
    /// Counts them.
    let statistics: WorkerStatistics
    /// Hears why attempts failed.
    let watch: BackendWatch
    /// Hears of failed attempts at level debug.
    let logger: Logger

    /// Starts all lines that may start now.
    func run() {
        while let call = desk.next() { serve(call) }
    }

    /// Starts a call, and as long as results are there at once, the next.
    private func serve(_ first: CallDesk.OpenCall) {
        var next: CallDesk.OpenCall? = first
        while let call = next {
            let begun = ContinuousClock.now
            let line = call.started.line
            var request = call.started.lines.request(
                ordinal: line.ordinal, attempt: line.attempt, windowEnds: call.started.windowEnds,
                lastError: line.lastError)
            request.uncounted = line.uncounted
            request.upload = line.upload
            let result = caller.start(request, at: call.started.place, as: call.handle) { result in
                guard let successor = end(call, result, begun) else { return }
                serve(successor)
                // One answer may have made room for several calls.
                run()
            }
            next = result.flatMap { end(call, $0, begun) }
        }
    }

    /// Takes a result to the desk; returns the call that takes its place.
    private func end(
        _ call: CallDesk.OpenCall, _ result: AttemptResult, _ begun: ContinuousClock.Instant
    ) -> CallDesk.OpenCall? {
        statistics.countCall(ContinuousClock.now - begun)
        if case .again(let order) = result, order.isTry {
            watch.note(order.because)
            logger.debug(
                "a call failed and will be repeated",
                metadata: [
                    "line": "\(call.started.line.ordinal)", "attempt": "\(call.started.line.attempt)",
                    "retry_in": "\(order.after)", "error": "\(order.because)",
                ])
        }
        return desk.finish(call, result)
    }
}
