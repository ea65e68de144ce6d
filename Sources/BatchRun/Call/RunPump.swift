// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference

/// Keeps the calls going: each result goes to the book and the next line takes its place on the spot, on the thread on
/// which the answer came. There is no task per call.
struct RunPump: Sendable {
    /// Where lines come from.
    let desk: RunDesk
    /// Makes the calls.
    let caller: any LineCalling
    /// Writes a result as a line.
    let text: ResultText
    /// Where results go.
    let book: ResultBook
    /// Holds the first ones back while all are refusals.
    let refusals: FirstRefusals

    /// No run takes as long: a year.
    private static let windowLength = Duration.seconds(366 * 86_400)
    private let windowEnds = ContinuousClock.now + Self.windowLength

    /// A pump between desk and book.
    init(desk: RunDesk, caller: any LineCalling, text: ResultText, book: ResultBook, refusals: FirstRefusals) {
        self.refusals = refusals
        self.desk = desk
        self.caller = caller
        self.text = text
        self.book = book
    }

    /// Starts all lines that may start now.
    func run() {
        while let call = desk.next() { serve(call) }
    }

    /// Starts a call, and as long as results are there at once, the next.
    private func serve(_ first: RunDesk.OpenCall) {
        var next: RunDesk.OpenCall? = first
        while let call = next {
            let line = call.started.line
            var request = LineRequest(
                ordinal: line.item.ordinal, customID: line.item.customID[...], body: line.item.body,
                attempt: line.attempt, windowEnds: windowEnds, lastError: line.lastError)
            request.uncounted = line.uncounted
            request.upload = line.upload
            let result = caller.start(request, at: call.started.place, as: call.handle) { result in
                guard let successor = end(call, result) else { return }
                serve(successor)
                // One answer may have made room for several calls.
                run()
            }
            next = result.flatMap { end(call, $0) }
        }
    }

    /// Takes a result to the book; returns the call that takes its place.
    private func end(_ call: RunDesk.OpenCall, _ result: AttemptResult) -> RunDesk.OpenCall? {
        guard case .finished(let outcome) = result else { return desk.finish(call, result) }
        let bytes = text.line(outcome)
        let line = FinishedLine(ordinal: outcome.ordinal, bytes: bytes, isFailed: !outcome.isSuccess)
        for result in refusals.take(.init(line: line, usage: outcome.usage), status: outcome.statusCode) {
            book.add(result.line, usage: result.usage)
        }
        return desk.finish(call, result)
    }
}
