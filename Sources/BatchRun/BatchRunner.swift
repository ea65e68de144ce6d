// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import Curl
import Glibc
import Loops
import Synchronization

/// Runs a file of requests against one base URL, without a server and without a database.
package final class BatchRunner: Sendable {
    private let order: RunOrder
    private let backends: BackendSet
    private let board = ProgressBoard()
    private let stopFlag = StopFlag()
    private let ended = StopFlag()
    private let tell: @Sendable (String) -> Void

    /// Prepares a run; nothing is read or called.
    ///
    /// - Parameter tell: gets sentences for the user while the run lasts.
    /// - Throws: ``RunError`` when the backend cannot be used as described.
    package init(_ order: RunOrder, tell: @escaping @Sendable (String) -> Void) throws(RunError) {
        self.order = order
        self.tell = tell
        do {
            backends = try BackendSet([order.backend], version: order.version)
        } catch {
            throw RunError(.refused, "\(error)")
        }
    }

    /// How far it has come.
    package var progress: RunProgress { board.progress }

    /// Starts no more calls; those in flight have a while to end.
    package func stop() {
        stopFlag.raise()
        ended.raise()
    }

    /// Runs to the end, whatever becomes of single lines.
    ///
    /// - Throws: ``RunError``, or `CancellationError`.
    package func run() async throws -> RunReport {
        let started = ContinuousClock.now
        let paths = try RunPaths(order)
        try paths.expectApart(order.input)
        if case .url(let source) = order.input, case .url(let target) = order.output, Places.isSame(source, target) {
            throw RunError(.refused, "input and output are the same URL, \(order.input.name): name another output")
        }
        try paths.expectRoom(order.existing)
        let engine = CurlEngine(
            EngineConfiguration(
                connectionsMax: 2, userAgent: "shardline/\(order.version)", caBundlePath: order.caBundlePath,
                threadName: "transfers"))
        let spool = InputSpool(folder: paths.folder, engine: engine, stop: stopFlag, board: board)
        let input = try await spool.open(order.input)
        let rules = RunRules(model: order.model)
        let check = InputCheck(rules: rules, limits: order.limits, stop: stopFlag, board: board)
        let thread = BlockingThread("run")
        let checked = try await thread.run {
            // The ids of all lines were in memory; what the run needs must not come on top of that.
            defer { FreeMemory.giveBack() }
            return try check.run(input)
        }
        if case .url = order.output, order.existing == .resume,
            let sent = try paths.sent.read(paths.fingerprint(order, input: input, checked: checked))
        {
            // Left when a run ended between its word and this.
            unlink(paths.output)
            return RunReport(
                total: checked.requestCount, earlier: checked.requestCount, succeeded: sent.succeeded,
                failed: sent.failed, duration: ContinuousClock.now - started)
        }
        let opened = try await thread.run { [order, board] in
            try paths.open(order, input: input, checked: checked, board: board)
        }
        var report = try await withoutCancellation { [self] in
            try await call(input, opened, total: checked.requestCount)
        }
        if case .url(let url) = order.output {
            let upload = ResultUpload(url: url, rule: order.upload, engine: engine, board: board)
            try await upload.send(paths.output, byteCount: try opened.finished.output.length())
            try paths.sent.write(
                paths.fingerprint(order, input: input, checked: checked), succeeded: report.succeeded,
                failed: report.failed)
            unlink(paths.output)
        }
        report.duration = ContinuousClock.now - started
        return report
    }

    /// Calls every line without a result.
    private func call(_ input: InputFile, _ opened: OpenedRun, total: Int) async throws -> RunReport {
        let finished = opened.finished
        var report = RunReport(total: total, earlier: finished.count)
        guard let journal = opened.journal else {
            report.failed = finished.failed
            report.succeeded = finished.count - finished.failed
            return report
        }
        let (callsMax, pending) = (order.backend.concurrency, PendingBytes())
        let book = ResultBook(
            pages: ResultPages(finished, journal: journal, limits: order.limits, callsMax: callsMax), total: total,
            earlier: .init(finished: finished.count, failed: finished.failed), pending: pending, ended: ended)
        let engines = CallEngines(
            connections: callsMax, userAgent: "shardline/\(order.version)", caBundlePath: order.caBundlePath,
            logger: nil)
        let text = ResultText(order.format)
        // The file is the user's own, and so is this machine: its recordings may be anywhere.
        let caller = LineCaller(
            engines: engines, worker: WorkerID(rawValue: "batchctl"), audio: AudioRules(addressRule: .any))
        let desk = RunDesk(callsMax: callsMax, limits: order.limits, pending: pending, files: caller.files)
        let refusals = FirstRefusals(
            refusalsMax: order.limits.refusalsMax, remaining: total - finished.count, ended: ended)
        let pump = RunPump(desk: desk, caller: caller, text: text, book: book, refusals: refusals)
        let feed = RunFeed(
            reader: RequestReader(input, model: order.model, limits: order.limits), finished: finished.ring,
            desk: desk, book: book, text: text, backends: backends, refusals: refusals)
        desk.attach(pump: { pump.run() }, read: { feed.start() })
        board.begin(.running, done: Int64(finished.count), total: Int64(total))
        book.attach { [board] written, counts in
            board.update(done: Int64(counts.finished), failed: Int64(counts.failed))
            desk.note(written: written)
        }
        let watch = RunWatch(desk: desk, backends: backends, limits: order.limits, ended: ended, tell: tell)
        let clock = Task { await watch.run() }
        book.start()
        desk.start()
        while !ended.isRaised { await ended.wait(upTo: .seconds(3_600)) }
        await windDown(desk, isComplete: book.counts.finished == total, canRecord: book.fault == nil)
        clock.cancel()
        await engines.shutdown()
        try await book.settle()
        if let fault = refusals.fault { throw fault }
        return try await conclude(report, book, desk, feed, watch)
    }

    /// Lets calls in flight end, for a while, if their results can be kept.
    private func windDown(_ desk: RunDesk, isComplete: Bool, canRecord: Bool) async {
        desk.quiet()
        guard !isComplete else { return }
        if canRecord { await desk.idle.wait(upTo: order.limits.drain) }
        desk.abort()
        await desk.idle.wait(upTo: .seconds(5))
    }

    private func conclude(
        _ report: RunReport, _ book: ResultBook, _ desk: RunDesk, _ feed: RunFeed, _ watch: RunWatch
    ) async throws -> RunReport {
        if let fault = feed.fault { throw fault }
        let counts = book.counts
        guard counts.finished == report.total else {
            if let away = watch.away { throw away }
            throw RunError(.interrupted, "stopped: \(counts.finished) of \(report.total) lines have their results")
        }
        try await book.close()
        var report = report
        report.failed = counts.failed
        report.succeeded = counts.finished - counts.failed
        report.calls = desk.callCount
        report.usage = counts.usage
        return report
    }
}
