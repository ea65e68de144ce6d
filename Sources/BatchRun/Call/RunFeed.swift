// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import Loops
import Synchronization

/// Reads lines whenever the desk wants some, on a thread of its own.
final class RunFeed: Sendable {
    private struct State {
        var reader: RequestReader
        var fault: (any Error)?
    }

    private let thread = BlockingThread("lines")
    private let state: Mutex<State>
    private let finished: AheadRing
    private let desk: RunDesk
    private let book: ResultBook
    private let text: ResultText
    private let backends: BackendSet
    private let refusals: FirstRefusals

    /// Lines of `reader` for `desk`, but those that are `finished`.
    init(
        reader: consuming RequestReader, finished: AheadRing, desk: RunDesk, book: ResultBook, text: ResultText,
        backends: BackendSet, refusals: FirstRefusals
    ) {
        self.refusals = refusals
        state = Mutex(State(reader: reader))
        self.finished = finished
        self.desk = desk
        self.book = book
        self.text = text
        self.backends = backends
    }

    /// Why the input could not be read to its end; nil while it can.
    var fault: (any Error)? { state.withLock { $0.fault } }

    /// Reads until the desk has enough.
    func start() { thread.start { self.read() } }

    private func read() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: InputFile.pieceBytes, alignment: 64)
        defer { buffer.deallocate() }
        while desk.mayRead() {
            do {
                let (items, next, isLast) = try state.withLock { state in
                    let items = try state.reader.next(buffer) { $0 >= finished.first && finished[$0] == nil }
                    return (items, state.reader.nextOrdinal, state.reader.isAtEnd)
                }
                let refused = desk.add(items, nextOrdinal: next, isLast: isLast) { item in
                    guard RunRules.endpoints.contains(item.url) else { return nil }
                    return backends.route(model: item.model, endpoint: item.url)
                }
                for item in refused { refuse(item) }
            } catch {
                state.withLock { $0.fault = error }
                book.ended.raise()
                return
            }
        }
    }

    /// A line whose url nobody can call has its result at once.
    private func refuse(_ item: RequestItem) {
        let outcome = Outcome(
            ordinal: item.ordinal,
            kind: .noResponse(
                code: RunRules.unsupportedURL,
                message: "URL \(item.url.prefix(200)) was used. Supported endpoints: "
                    + RunRules.endpoints.joined(separator: ", ")),
            customID: item.customID[...])
        let bytes = text.line(outcome)
        let line = FinishedLine(ordinal: item.ordinal, bytes: bytes, isFailed: true)
        for result in refusals.take(.init(line: line, usage: Usage()), status: 0) {
            book.add(result.line, usage: result.usage)
        }
    }
}
