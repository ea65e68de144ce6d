// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// One attempt as a receiver saw it.
struct NoticeAttempt: Hashable, Sendable {
    /// The receiver.
    var path: String
    /// The event's id.
    var id: String
    /// Microseconds since 1970.
    var at: Int64
    /// What was done with it.
    var reply: NoticeReply
}

/// Everything that receivers were sent, and what is odd about it.
final class NoticeLog: Sendable {
    private struct State {
        var attempts: [NoticeAttempt] = []
        /// The body of each event's first attempt.
        var bodies: [String: [UInt8]] = [:]
        /// Times that each event was taken, by receiver.
        var taken: [String: [String: Int]] = [:]
    }

    private let state = Mutex(State())

    /// Takes an attempt in.
    ///
    /// - Returns: whether it is the first of its event, and whether its body is that of the earlier ones.
    func add(_ notice: NoticeRequest, _ reply: NoticeReply) -> (isFirst: Bool, isSame: Bool) {
        state.withLock { state in
            state.attempts.append(NoticeAttempt(path: notice.path, id: notice.id, at: notice.at, reply: reply))
            if reply.takesIt { state.taken[notice.id, default: [:]][notice.path, default: 0] += 1 }
            guard let body = state.bodies[notice.id] else {
                state.bodies[notice.id] = notice.body
                return (true, true)
            }
            return (false, body == notice.body)
        }
    }

    /// Every attempt so far, in order.
    var attempts: [NoticeAttempt] { state.withLock { $0.attempts } }

    /// How many attempts there were.
    var count: Int { state.withLock { $0.attempts.count } }

    /// Times that each event was taken, by receiver.
    var taken: [String: [String: Int]] { state.withLock { $0.taken } }

    /// Events that `receivers` different receivers have taken.
    func eventsTaken(by receivers: Int) -> Int { state.withLock { $0.taken.values.count { $0.count >= receivers } } }

    /// Forgets everything.
    func clear() { state.withLock { $0 = State() } }

    /// When each event's first attempt came to the receiver at `path`.
    func firstAttempts(at path: String) -> [String: Int64] {
        var first: [String: Int64] = [:]
        for attempt in attempts where attempt.path == path && first[attempt.id] == nil {
            first[attempt.id] = attempt.at
        }
        return first
    }
}
