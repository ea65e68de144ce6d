// SPDX-License-Identifier: Apache-2.0
import CLibcurl
internal import Logging
import Synchronization

/// The engine's thread: takes commands, drives libcurl, tells outcomes.
///
/// Everything but `send`, `stop` and `inFlight` belongs to that thread, which is why the type may be shared.
final class EngineLoop: @unchecked Sendable {
    /// What other threads ask for.
    enum Command {
        /// Start the transfer; tell the listener once.
        case submit(Transfer, Transfer.Listener)
        /// Abort the transfer, also when its submission is still to come.
        case cancel(Transfer)
        /// The consumer of the paused transfer has room again.
        case resume(Transfer)
    }

    private struct Inbox {
        var commands: [Command] = []
        /// Whether the thread must be woken; cleared by whoever wakes it.
        var isAsleep = false
        var isStopping = false
        var isStopped = false
        var stopWaiters: [UnsafeContinuation<Void, Never>] = []
    }

    /// Settings.
    let configuration: EngineConfiguration
    /// Transfers that hold a handle at this moment.
    let inFlight = Atomic<Int>(0)
    /// The engine's thread once it runs; 0 before.
    let thread = Atomic<UInt>(0)
    /// Sockets of the open connections; closed by libcurl through it, so it must outlive the multi handle.
    let connections = ConnectionRegistry()
    /// The monotonic clock as of the present round.
    private(set) var now: UInt64 = 0

    private let logger: Logger?
    private let inbox = Mutex(Inbox())
    private let multi: UnsafeMutableRawPointer?
    private let poller: SocketPoller?
    /// When libcurl wants to be called although no socket is ready.
    private var timerDue = TransferClock.never
    private var taken: [Command] = []
    private var running: [Transfer] = []
    private var waiting: [Transfer] = []
    private var waitingHead = 0
    private var idleSlots: [TransferSlot] = []
    /// No time limit runs out before this moment.
    private var nextSweep = TransferClock.never

    /// libcurl's one-time set-up, which is thread-safe only this way.
    private static let globalInit = curl_global_init(Int(CURL_GLOBAL_ALL))

    /// A loop that is not running yet.
    init(_ configuration: EngineConfiguration, logger: Logger?) {
        self.configuration = configuration
        self.logger = logger
        poller = SocketPoller()
        multi = Self.globalInit == CURLE_OK && poller != nil ? curl_multi_init() : nil
        guard let multi else { return }
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = shardline_multi_on_socket(multi, Self.socketChanged, context)
        _ = shardline_multi_on_timer(multi, Self.timerChanged, context)
        let kept = configuration.idleConnectionsMax ?? configuration.connectionsMax
        shardline_multi_set_long(multi, CURLMOPT_MAXCONNECTS, kept)
        shardline_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.connectionsPerHostMax ?? 0)
        shardline_multi_set_long(multi, CURLMOPT_PIPELINING, 0)
    }

    deinit {
        idleSlots.removeAll()
        guard let multi else { return }
        // It still closes connections; there is nobody left to hear of it.
        _ = shardline_multi_on_socket(multi, nil, nil)
        _ = shardline_multi_on_timer(multi, nil, nil)
        curl_multi_cleanup(multi)
    }

    /// Starts the thread, which keeps the loop alive until `stop`.
    func start() {
        let code = multi == nil ? -1 : EngineThread.start(name: configuration.threadName) { self.run() }
        guard code != 0 else { return }
        logger?.error("HTTP engine cannot start", metadata: ["error": "\(code)"])
        inbox.withLock { $0.isStopped = true }
    }

    // MARK: From any thread

    /// Hands a command over. After the stop, submissions fail and everything else is void.
    func send(_ command: Command) {
        let (isStopped, mustWake) = inbox.withLock { inbox in
            if inbox.isStopped { return (true, false) }
            inbox.commands.append(command)
            defer { inbox.isAsleep = false }
            return (false, inbox.isAsleep)
        }
        if mustWake { poller?.ring() }
        if isStopped, case .submit(_, let listener) = command { listener(.failure(.shutDown)) }
    }

    /// Asks the thread to abort everything and end.
    func requestStop() {
        let mustWake = inbox.withLock { inbox in
            inbox.isStopping = true
            defer { inbox.isAsleep = false }
            return inbox.isAsleep && !inbox.isStopped
        }
        if mustWake { poller?.ring() }
    }

    /// Aborts everything and returns when the thread has ended its work.
    func stop() async {
        requestStop()
        await withUnsafeContinuation { continuation in
            let isStopped = inbox.withLock { inbox in
                if !inbox.isStopped { inbox.stopWaiters.append(continuation) }
                return inbox.isStopped
            }
            if isStopped { continuation.resume() }
        }
    }

    // MARK: On the thread

    /// Notes when this transfer's time limits need looking at.
    func watch(_ transfer: Transfer) {
        if case .runs(let until) = transfer.clock.verdict(at: now) { nextSweep = min(nextSweep, until) }
    }

    private func run() {
        guard let multi, let poller else { return }
        thread.store(EngineThread.current, ordering: .relaxed)
        now = MonotonicTime.now()
        while !takeCommands() {
            for command in taken { handle(command) }
            taken.removeAll(keepingCapacity: true)
            startWaiting()
            if now >= timerDue {
                timerDue = TransferClock.never
                act(multi, CURL_SOCKET_TIMEOUT, 0)
            }
            finishDone()
            if now >= nextSweep { sweep() }
            poller.wait(milliseconds: CInt(pollMilliseconds())) { socket, bits in
                now = MonotonicTime.now()
                act(multi, socket, bits)
            }
            now = MonotonicTime.now()
            finishDone()
        }
        end()
    }

    private func act(_ multi: UnsafeMutableRawPointer, _ socket: curl_socket_t, _ bits: CInt) {
        var count: CInt = 0
        let code = curl_multi_socket_action(multi, socket, bits, &count)
        if code != CURLM_OK { logger?.error("libcurl cannot go on", metadata: ["error": "\(code.rawValue)"]) }
    }

    /// libcurl waits for something else on a socket.
    private static let socketChanged: curl_socket_callback = { _, socket, what, context, _ in
        guard let context else { return 0 }
        Unmanaged<EngineLoop>.fromOpaque(context).takeUnretainedValue().poller?.watch(socket, for: what)
        return 0
    }

    /// libcurl wants to be called after so many milliseconds; −1: not until a socket is ready.
    private static let timerChanged: curl_multi_timer_callback = { _, milliseconds, context in
        guard let context else { return 0 }
        let loop = Unmanaged<EngineLoop>.fromOpaque(context).takeUnretainedValue()
        loop.timerDue = milliseconds < 0 ? TransferClock.never : loop.now &+ UInt64(milliseconds) &* 1_000_000
        return 0
    }

    /// Fetches what was sent since the last round. Returns whether to stop.
    private func takeCommands() -> Bool {
        inbox.withLock { inbox in
            swap(&taken, &inbox.commands)
            inbox.isAsleep = false
            return inbox.isStopping
        }
    }

    /// How long there is nothing to do but wait for the network, at most a second.
    private func pollMilliseconds() -> UInt64 {
        let hasWork = waitingHead < waiting.count && running.count < configuration.connectionsMax
        let mayRest = inbox.withLock { inbox in
            inbox.isAsleep = inbox.commands.isEmpty && !inbox.isStopping && !hasWork
            return inbox.isAsleep
        }
        let due = min(nextSweep, timerDue)
        if !mayRest || due <= now { return 0 }
        return min((due - now) / 1_000_000 + 1, 1000)
    }

    private func handle(_ command: Command) {
        switch command {
        case .submit(let transfer, let listener):
            transfer.listener = listener
            if transfer.isCancelled {
                abort(transfer, .cancelled, "cancelled")
            } else if waiting.count - waitingHead >= waitingRoom {
                transfer.finish(.failure(CurlError(.queueFull, "\(configuration.waitingMax) requests wait already")))
            } else {
                waiting.append(transfer)
                watch(transfer)
            }
        case .cancel(let transfer):
            transfer.isCancelled = true
            if !transfer.isFinished { abort(transfer, .cancelled, "cancelled") }
        case .resume(let transfer):
            guard !transfer.isFinished, let slot = transfer.slot else { return }
            transfer.clock.resume(at: now)
            watch(transfer)
            // libcurl hands over at once what it had kept back, and does not fail the transfer if that is refused.
            let code = curl_easy_pause(slot.easy, CURLPAUSE_CONT)
            if code != CURLE_OK { abort(transfer, with: slot.error(code)) }
        }
    }

    /// Most transfers the list may hold: those that start at once, and those that must wait.
    private var waitingRoom: Int { configuration.connectionsMax - running.count + configuration.waitingMax }

    private func startWaiting() {
        while running.count < configuration.connectionsMax, waitingHead < waiting.count {
            let transfer = waiting[waitingHead]
            waitingHead += 1
            if !transfer.isFinished { start(transfer) }
        }
        if waitingHead == waiting.count || waitingHead > 1024 {
            waiting.removeFirst(waitingHead)
            waitingHead = 0
        }
    }

    private func start(_ transfer: Transfer) {
        guard let multi, let slot = idleSlots.popLast() ?? TransferSlot(loop: self) else {
            transfer.finish(.failure(CurlError.outOfMemory("an HTTP handle")))
            return
        }
        do throws(CurlError) {
            try slot.prepare(transfer)
        } catch {
            slot.release()
            idleSlots.append(slot)
            transfer.finish(.failure(error))
            return
        }
        transfer.slot = slot
        transfer.index = running.count
        running.append(transfer)
        inFlight.store(running.count, ordering: .relaxed)
        transfer.clock.start(at: now)
        watch(transfer)
        let code = curl_multi_add_handle(multi, slot.easy)
        if code != CURLM_OK { abort(transfer, .other(Int(code.rawValue)), "libcurl refused the transfer") }
    }

    private func finishDone() {
        guard let multi else { return }
        var context: UnsafeMutableRawPointer?
        var result = CURLE_OK
        while shardline_multi_next_done(multi, &context, &result) != 0 {
            guard let context else { continue }
            let slot = Unmanaged<TransferSlot>.fromOpaque(context).takeUnretainedValue()
            guard let transfer = slot.transfer else { continue }
            let outcome = slot.outcome(result)
            detach(transfer, from: slot)
            transfer.finish(outcome)
        }
    }

    /// Ends a transfer early; its connection is closed, not reused.
    private func abort(_ transfer: Transfer, _ code: CurlError.Code, _ what: String) {
        if let slot = transfer.slot {
            abort(transfer, with: slot.error(code, what))
        } else if transfer.listener != nil {
            transfer.finish(.failure(CurlError(code, "\(HostName.describe(transfer.request.url)): \(what)")))
        }
        // Else the submission is still to come, and will find the mark.
    }

    private func abort(_ transfer: Transfer, with error: CurlError) {
        if let slot = transfer.slot { detach(transfer, from: slot) }
        transfer.finish(.failure(error))
    }

    private func detach(_ transfer: Transfer, from slot: TransferSlot) {
        if let multi { curl_multi_remove_handle(multi, slot.easy) }
        transfer.slot = nil
        let last = running.removeLast()
        if last !== transfer {
            running[transfer.index] = last
            last.index = transfer.index
        }
        inFlight.store(running.count, ordering: .relaxed)
        slot.release()
        idleSlots.append(slot)
    }

    /// Aborts what has taken too long, and notes when to look again.
    private func sweep() {
        nextSweep = TransferClock.never
        // Backwards: an aborted transfer's place is taken by the last one, which was already seen.
        for index in running.indices.reversed() {
            let transfer = running[index]
            if transfer.clock.watchesSending, let slot = transfer.slot {
                let sent = shardline_easy_get_offset(slot.easy, CURLINFO_SIZE_UPLOAD_T, 0)
                transfer.clock.sent(Int64(sent), at: now)
            }
            judge(transfer)
        }
        waiting.removeFirst(waitingHead)
        waitingHead = 0
        waiting.removeAll(where: \.isFinished)
        for transfer in waiting { judge(transfer) }
    }

    private func judge(_ transfer: Transfer) {
        switch transfer.clock.verdict(at: now) {
        case .runs(let until): nextSweep = min(nextSweep, until)
        case .expired(let code):
            if let slot = transfer.slot, slot.keepsAnswer {
                let answer = slot.response()
                detach(transfer, from: slot)
                transfer.finish(.success(answer))
            } else {
                abort(transfer, code, transfer.request.timeouts.explain(code))
            }
        }
    }

    /// Fails everything and frees the handles.
    private func end() {
        for command in taken { handle(command) }
        taken.removeAll()
        for transfer in running.reversed() { abort(transfer, .shutdown, CurlError.shutDown.message) }
        for transfer in waiting where !transfer.isFinished { transfer.finish(.failure(.shutDown)) }
        waiting.removeAll()
        waitingHead = 0
        idleSlots.removeAll()
        let (late, waiters) = inbox.withLock { inbox in
            inbox.isStopped = true
            defer {
                inbox.commands.removeAll()
                inbox.stopWaiters.removeAll()
            }
            return (inbox.commands, inbox.stopWaiters)
        }
        for case .submit(_, let listener) in late { listener(.failure(.shutDown)) }
        for waiter in waiters { waiter.resume() }
    }
}
