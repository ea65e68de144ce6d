// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The thread that talks to the broker: connects on demand, sends what waits, hears the confirms.
struct PublisherLoop {
    private let core: PublisherCore

    /// Messages sent between two looks at what the broker says.
    private static let sendsPerRound = 16

    init(_ core: PublisherCore) {
        self.core = core
    }

    /// Runs until the publisher is over.
    func run() {
        defer { core.ended() }
        while true {
            switch core.step {
            case .end: return
            case .idle: core.talkBell.wait(until: nil)
            case .work:
                do throws(ConnectionEnd) {
                    let connection = try BrokerConnection.open(core.configuration)
                    if try serve(connection) { return }
                } catch {
                    core.connectFailed(error)
                }
            }
        }
    }

    /// Uses a connection until it ends. True when the publisher is over; throws when it could not begin.
    private func serve(_ connection: BrokerConnection) throws(ConnectionEnd) -> Bool {
        guard try core.connected(socket: connection.socket) else { return true }
        do throws(ConnectionEnd) {
            try exchange(connection)
        } catch {
            core.connectionEnded(error)
            if error.isRefusal { connection.close() }
            return false
        }
        connection.close()
        return true
    }

    /// Sends and listens until nothing is left to do for good.
    private func exchange(_ connection: BrokerConnection) throws(ConnectionEnd) {
        try listen(connection)
        while true {
            let step = core.step
            if case .end = step { return }
            var events = Int16(POLLIN)
            if case .work = step { events |= Int16(POLLOUT) }
            let ready = core.talkBell.wait(
                also: connection.socket, events: events, until: .now + connection.heartbeatPause)
            if ready & Int16(POLLOUT) != 0 {
                for _ in 0..<Self.sendsPerRound {
                    guard let message = core.take() else { break }
                    try connection.publish(message)
                }
            }
            // Always: calls that send may have read something on the way, and this is what keeps the heartbeat.
            try listen(connection)
        }
    }

    private func listen(_ connection: BrokerConnection) throws(ConnectionEnd) {
        while let event = try connection.nextEvent() { try core.handle(event) }
    }
}
