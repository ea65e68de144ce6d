// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Glibc
import Loops
import Synchronization

/// Takes results from any thread and writes them on one of its own.
final class ResultBook: Sendable {
    /// How many lines have their results.
    struct Counts: Sendable {
        /// Lines with a result.
        var finished = 0
        /// Of these, lines that failed.
        var failed = 0
        /// Tokens of this run.
        var usage = Usage()
    }

    private struct Inbox {
        var lines: [FinishedLine] = []
        var isWriting = false
        var counts: Counts
        var fault: RunError?
    }

    /// So many results are written without waiting for more.
    private static let fewLines = 32
    /// How long more are waited for otherwise.
    private static let gatherMicroseconds: UInt32 = 2_000

    /// Raised when every line's result is in its file, or when writing failed; see ``fault``.
    let ended: StopFlag
    private let thread = BlockingThread("results")
    private let pages: Mutex<ResultPages>
    private let inbox: Mutex<Inbox>
    private let total: Int
    private let pending: PendingBytes
    /// A closure in a type of its own: taken bare out of a lock it would be wrapped once more each time.
    private struct Listener: Sendable {
        let tell: @Sendable (_ written: Int, Counts) -> Void
    }

    private let listener = Mutex<Listener?>(nil)

    /// A book of `total` lines over the files of `pages`; raises `ended` at its end.
    init(
        pages: consuming ResultPages, total: Int, earlier: Counts, pending: PendingBytes, ended: StopFlag
    ) {
        self.pending = pending
        self.pages = Mutex(pages)
        self.total = total
        self.ended = ended
        inbox = Mutex(Inbox(counts: earlier))
    }

    /// From now on `written` is told after each writing.
    func attach(_ written: @escaping @Sendable (_ written: Int, Counts) -> Void) {
        listener.withLock { $0 = Listener(tell: written) }
    }

    /// The present counts.
    var counts: Counts { inbox.withLock { $0.counts } }
    /// Why writing failed; nil while it does not.
    var fault: RunError? { inbox.withLock { $0.fault } }

    /// Takes a result.
    func add(_ line: FinishedLine, usage: Usage) {
        pending.add(line.bytes.count)
        let starts = inbox.withLock { inbox in
            inbox.lines.append(line)
            inbox.counts.finished += 1
            if line.isFailed { inbox.counts.failed += 1 }
            inbox.counts.usage += usage
            defer { inbox.isWriting = true }
            return !inbox.isWriting
        }
        if starts { thread.start { self.writeAll() } }
    }

    /// Writes what an earlier run left behind its turn.
    func start() {
        let starts = inbox.withLock { inbox in
            defer { inbox.isWriting = true }
            return !inbox.isWriting
        }
        if starts { thread.start { self.writeAll() } }
    }

    /// Returns when everything that was added is in its file or journal.
    func settle() async throws {
        try await thread.run {
            self.writeAll()
            if let fault = self.fault { throw fault }
        }
    }

    /// Brings a finished run to the disk and takes the journal away.
    func close() async throws {
        try await thread.run { try self.pages.withLock { try $0.close() } }
    }

    /// Runs on the book's thread.
    private func writeAll() {
        repeat {
            gather()
            let lines = inbox.withLock { inbox in
                defer { inbox.lines = [] }
                return inbox.lines
            }
            write(lines)
        } while inbox.withLock { inbox in
            inbox.isWriting = !inbox.lines.isEmpty
            return inbox.isWriting
        }
    }

    /// Results that come one by one are written a few at a time: a wake and a write for each would cost more than its
    /// call. Until then a result is as good as in flight.
    private func gather() {
        let isFew = inbox.withLock { $0.lines.count < Self.fewLines && $0.counts.finished < total }
        if isFew { usleep(Self.gatherMicroseconds) }
    }

    private func write(_ lines: [FinishedLine]) {
        guard fault == nil else { return }
        do throws(RunError) {
            let first = try pages.withLock { pages throws(RunError) in
                try pages.take(lines)
                return pages.ring.first
            }
            pending.remove(lines.reduce(0) { $0 + $1.bytes.count })
            listener.withLock { $0 }?.tell(first, counts)
            if first == total { ended.raise() }
        } catch {
            inbox.withLock { $0.fault = error }
            ended.raise()
        }
    }
}
