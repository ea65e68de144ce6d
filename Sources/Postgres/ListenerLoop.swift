// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging

/// The thread behind `NotificationListener`: connect, LISTEN, poll, and again when the connection breaks.
final class ListenerLoop: Sendable {
    private struct State {
        var isStopping = false
        var isRunning = false
        var thread: OwnThread?
        var onEnd: [@Sendable () -> Void] = []
    }

    private let connector: Connector
    private let channels: [String]
    private let greeting: String
    private let output: AsyncStream<Notification>.Continuation
    private let logger: Logger
    private let state = Monitor(State())
    private let bell: WakePipe

    /// How long the connection may be silent before a `select 1` proves that it still lives.
    private static let probeMilliseconds: Int32 = 30_000

    /// Does nothing before `start`.
    init(
        _ connector: Connector, channels: [String], greeting: String,
        output: AsyncStream<Notification>.Continuation, logger: Logger
    ) throws {
        self.connector = connector
        self.channels = channels
        self.greeting = greeting
        self.output = output
        self.logger = logger
        bell = try WakePipe()
    }

    /// Starts the thread.
    func start() throws {
        try state.withLock { state in
            state.thread = try OwnThread { self.work() }
            state.isRunning = true
        }
    }

    /// Stops the thread and waits for its end.
    func close() async {
        requestStop()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let hasEnded = state.withLock { state in
                if state.isRunning { state.onEnd.append { continuation.resume() } }
                return !state.isRunning
            }
            if hasEnded { continuation.resume() }
        }
        // The thread is at its end: join returns within microseconds.
        takeThread()?.join()
    }

    /// Stops the thread without waiting.
    func abandon() {
        requestStop()
        takeThread()?.detach()
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    private func requestStop() {
        state.withLock { $0.isStopping = true }
        bell.ring()
    }

    private func takeThread() -> OwnThread? {
        state.withLock { state in
            defer { state.thread = nil }
            return state.thread
        }
    }

    private func work() {
        var backoff = Backoff(first: .milliseconds(100), limit: .seconds(5))
        var reported = ""
        while !isStopping {
            do {
                let connection = try connector.open { isStopping }
                try listen(on: connection)
                backoff.reset()
                reported = ""
                try relay(from: connection)
            } catch is CancellationError {
                break
            } catch {
                // An outage is one warning for each new reason, not one for each try.
                let reason = "\(error)"
                logger.log(
                    level: reason == reported ? .debug : .warning, "listener lost its connection",
                    metadata: ["error": "\(reason)"])
                reported = reason
            }
            if !isStopping { bell.wait(also: -1, milliseconds: backoff.next().wholeMilliseconds) }
        }
        output.finish()
        let waiters = state.withLock { state in
            state.isRunning = false
            return state.onEnd
        }
        for waiter in waiters { waiter() }
    }

    private func listen(on connection: Connection) throws {
        let session = Session(connection, RunControl())
        if !greeting.isEmpty { try session.script(greeting) }
        for channel in channels { try session.script("listen \(Session.quoted(channel))") }
        output.yield(Notification(channel: "", payload: "", isReconnect: true))
    }

    private func relay(from connection: Connection) throws {
        while !isStopping {
            for notification in connection.takeNotifications() { output.yield(notification) }
            if bell.wait(also: connection.socket, milliseconds: Self.probeMilliseconds) {
                guard connection.readInput() else { throw connection.lastError(statement: nil) }
            } else if !isStopping {
                try Session(connection, RunControl()).script("select 1")
            }
        }
    }
}
