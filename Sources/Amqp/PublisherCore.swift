// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// What the tasks that publish, the thread that talks to the broker and the thread that watches the deadlines share.
///
/// Verdicts are told after the lock is left; whoever changes what a thread waits for rings its bell.
final class PublisherCore: Sendable {
    /// What the talking thread does next.
    enum Step {
        /// Connect, or send, whichever is possible.
        case work
        /// Nothing to send.
        case idle
        /// Close the connection and end.
        case end
    }

    private struct State {
        var book: PublishBook
        var backoff: Backoff
        /// Until when no attempt to connect is made, and why.
        var pause: (until: ContinuousClock.Instant, because: AmqpError)?
        /// Why the broker wants nothing published, in its words.
        var blocked: String?
        /// A duplicate of the connection's descriptor, for the watching thread to shut the socket down: the library may
        /// close its own at any time, and the number may then be somebody else's. -1 when there is none.
        var socket: CInt = -1
        /// Why the watching thread shut the socket down.
        var doom: String?
        /// Whether the present connection has confirmed anything.
        var hasConfirmed = false
        /// Set by `close`: nothing new is taken, and at this moment everything is over.
        var closeBy: ContinuousClock.Instant?
        /// Set when the talking thread has ended or the moment of `closeBy` has passed.
        var isOver = false
        var closers: [CheckedContinuation<Void, Never>] = []
        /// When the watching thread looks by itself; nil when it waits for its bell.
        var watchAt: ContinuousClock.Instant?
        var connections = 0
        var lastFailure: String?
    }

    /// The publisher's limits.
    let configuration: AmqpConfiguration
    private let place: String
    private let state: Mutex<State>
    /// Wakes the thread that talks to the broker.
    let talkBell: Bell
    private let watchBell: Bell

    /// Throws when a limit makes no sense or no descriptors are left.
    init(_ configuration: AmqpConfiguration) throws(AmqpError) {
        try configuration.check()
        self.configuration = configuration
        place = "the AMQP broker at \(configuration.url.address)"
        let backoff = Backoff(first: configuration.reconnectPauseFirst, limit: configuration.reconnectPauseMax)
        state = Mutex(State(book: PublishBook(configuration, place: place), backoff: backoff))
        talkBell = try Bell()
        watchBell = try Bell()
    }

    // MARK: For the tasks

    /// What the publisher does at the moment.
    var status: AmqpStatus {
        state.withLock { state in
            AmqpStatus(
                isConnected: state.socket >= 0, waiting: state.book.waitingCount, inFlight: state.book.inFlight,
                inFlightPeak: state.book.inFlightPeak, connections: state.connections, lastFailure: state.lastFailure)
        }
    }

    /// A number for `enter` and `cancel`.
    func issueTicket() -> UInt64 { state.withLock { $0.book.issueTicket() } }

    /// Takes a message; the waiter hears its verdict exactly once, maybe before this returns.
    func enter(_ message: AmqpMessage, ticket: UInt64, waiter: @escaping PublishBook.Waiter) {
        let now = ContinuousClock.now
        let deadline = now + configuration.publishTimeout
        let (failure, wakesWatch) = state.withLock { state -> (AmqpError?, Bool) in
            // Under the lock, so that `cancel` either finds the entry or has made this true.
            if Task.isCancelled { return (Self.cancelled(message.messageID, wasSent: false), false) }
            if state.closeBy != nil { return (AmqpError(.closed, "the publisher for \(place) was closed"), false) }
            if let pause = state.pause, now < pause.until { return (pause.because, false) }
            do throws(AmqpError) {
                try state.book.add(message, ticket: ticket, deadline: deadline, waiter: waiter)
            } catch {
                return (error, false)
            }
            return (nil, state.watchAt.map { deadline < $0 } ?? true)
        }
        if let failure { return waiter(.failure(failure)) }
        talkBell.ring()
        if wakesWatch { watchBell.ring() }
    }

    /// The task of this publish was cancelled.
    func cancel(_ ticket: UInt64) {
        state.withLock { $0.book.giveUp(ticket, reason: Self.cancelled) }?.tell()
    }

    private static func cancelled(_ messageID: String, wasSent: Bool) -> AmqpError {
        AmqpError(.cancelled, "the publish of message \(messageID) was cancelled", isFateUnknown: wasSent)
    }

    /// Takes nothing new from now on and returns when all is confirmed and the connection is closed, or at `moment`,
    /// when what is left fails.
    func close(by moment: ContinuousClock.Instant) async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver {
                    state.closeBy = min(state.closeBy ?? moment, moment)
                    state.closers.append(continuation)
                }
                return state.isOver
            }
            if isOver { return continuation.resume() }
            talkBell.ring()
            watchBell.ring()
        }
    }

    /// As `close` at once, without waiting for it; for a publisher that nobody holds any more.
    func abandon() {
        state.withLock { $0.closeBy = .now }
        talkBell.ring()
        watchBell.ring()
    }

    // MARK: For the thread that talks

    /// What to do next.
    var step: Step {
        state.withLock { state in
            if state.isOver || (state.closeBy != nil && state.book.isEmpty) { return .end }
            return state.book.canSend && state.blocked == nil ? .work : .idle
        }
    }

    /// A connection stands and takes messages. False when the publisher is over meanwhile.
    func connected(socket: CInt) throws(ConnectionEnd) -> Bool {
        let copy = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw ConnectionEnd("no descriptor is left; raise the limit of open files (ulimit -n)") }
        return state.withLock { state in
            guard !state.isOver else {
                Glibc.close(copy)
                return false
            }
            state.socket = copy
            state.doom = nil
            state.blocked = nil
            state.pause = nil
            state.hasConfirmed = false
            state.connections += 1
            return true
        }
    }

    /// The next message to send.
    func take() -> AmqpMessage? {
        state.withLock { $0.blocked == nil && $0.doom == nil ? $0.book.take() : nil }
    }

    /// The broker said something. Throws when it makes no sense.
    func handle(_ event: BrokerEvent) throws(ConnectionEnd) {
        let settled = state.withLock { state -> [PublishBook.Settled]? in
            switch event {
            case .confirmed(let tag, let isMultiple, let isAccepted):
                if !state.hasConfirmed {
                    state.hasConfirmed = true
                    state.backoff.reset()
                }
                return state.book.confirm(tag: tag, isMultiple: isMultiple, isAccepted: isAccepted)
            case .returned(let message): state.book.returned(message)
            case .blocked(let reason): state.blocked = reason
            case .unblocked: state.blocked = nil
            }
            return []
        }
        guard let settled else { throw ConnectionEnd("it confirmed a message that was never sent") }
        for one in settled { one.tell() }
    }

    /// No connection came about: what waits fails, and for a while publishing fails at once.
    func connectFailed(_ end: ConnectionEnd) {
        let error = AmqpError(end.code == 0 ? .unreachable : .refused, "cannot connect to \(place): \(end.reason)")
        let settled = state.withLock { state in
            state.lastFailure = error.message
            state.pause = (.now + state.backoff.next(), error)
            return state.book.failWaiting(error)
        }
        for one in settled { one.tell() }
    }

    /// The connection has ended: the fate of what was in flight is unknown, unless the broker refused it by name.
    /// What waits goes to the next connection, but a broker that breaks one without having confirmed anything gets a
    /// pause.
    func connectionEnded(_ end: ConnectionEnd) {
        let settled = state.withLock { state -> [PublishBook.Settled] in
            let reason = state.doom ?? end.reason
            let loss = AmqpError(.connectionLost, "the connection to \(place) was lost: \(reason)", isFateUnknown: true)
            let isAlone = state.book.inFlight == 1
            let refusal = end.exchange(among: state.book.exchangesInFlight).map { exchange in
                let words = "\(place) refused a message for exchange '\(exchange)': \(reason)"
                return (exchange: exchange, error: AmqpError(.refused, words, isFateUnknown: !isAlone))
            }
            state.lastFailure = loss.message
            disconnect(&state)
            var settled = state.book.connectionEnded(loss: loss, refusal: refusal)
            if !state.hasConfirmed, !end.isRefusal {
                let error = AmqpError(.unreachable, loss.message)
                state.pause = (.now + state.backoff.next(), error)
                settled += state.book.failWaiting(error)
            }
            return settled
        }
        for one in settled { one.tell() }
    }

    private func disconnect(_ state: inout State) {
        if state.socket >= 0 { Glibc.close(state.socket) }
        state.socket = -1
        state.doom = nil
        state.blocked = nil
    }

    /// The talking thread has ended.
    func ended() {
        state.withLock { disconnect(&$0) }
        finish()
        watchBell.ring()
    }

    // MARK: For the thread that watches

    /// Gives up what is overdue until everything is over.
    func watchDeadlines() {
        while true {
            let now = ContinuousClock.now
            let (settled, next, isOver) = state.withLock { state in
                let blocked = state.blocked
                let (settled, wasSent, next) = state.book.expire(at: now) { messageID, wasSent in
                    overdue(messageID, wasSent: wasSent, blocked: blocked)
                }
                if wasSent {
                    let why = Self.blocking(blocked)
                    doom(&state, "it did not confirm a message within \(configuration.publishTimeout)\(why)")
                }
                let isDue = state.closeBy.map { $0 <= now } ?? false
                state.watchAt = [next, state.closeBy].compactMap(\.self).min()
                return (settled, state.watchAt, state.isOver || isDue)
            }
            for one in settled { one.tell() }
            if isOver { return finish() }
            watchBell.wait(until: next)
        }
    }

    private func overdue(_ messageID: String, wasSent: Bool, blocked: String?) -> AmqpError {
        let doing = wasSent ? "did not confirm" : "could not be given"
        let limit = configuration.publishTimeout
        return AmqpError(
            .timedOut, "\(place) \(doing) message \(messageID) within \(limit)\(Self.blocking(blocked))",
            isFateUnknown: wasSent)
    }

    private static func blocking(_ reason: String?) -> String {
        reason.map { "; it blocks publishers: \($0)" } ?? ""
    }

    /// Ends the connection from outside: whatever call the talking thread is in returns.
    private func doom(_ state: inout State, _ reason: String) {
        guard state.socket >= 0, state.doom == nil else { return }
        state.doom = reason
        shutdown(state.socket, CInt(SHUT_RDWR))
    }

    /// Everything is over: what is left fails, who closed goes on. Called by both threads, the second time in vain.
    private func finish() {
        let (settled, closers) = state.withLock { state in
            state.isOver = true
            state.closeBy = state.closeBy ?? .now
            doom(&state, "the publisher was closed")
            let loss = AmqpError(
                .closed, "the publisher for \(place) was closed before it confirmed the message", isFateUnknown: true)
            var settled = state.book.connectionEnded(loss: loss, refusal: nil)
            settled += state.book.failWaiting(
                AmqpError(.closed, "the publisher for \(place) was closed before the message was sent"))
            defer { state.closers = [] }
            return (settled, state.closers)
        }
        for one in settled { one.tell() }
        for closer in closers { closer.resume() }
        talkBell.ring()
    }
}
