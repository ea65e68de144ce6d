// SPDX-License-Identifier: Apache-2.0
import Amqp
import BrokerTesting
import Synchronization
import Testing

/// Many messages, each published until it is confirmed, and what the publisher said on the way.
final class MessageStream: Sendable {
    /// Tasks that publish at once.
    static let lanes = 32

    private let queue: String
    private let total: Int
    private let confirmed = Atomic<Int>(0)
    private let reportedUnknown = Mutex<Set<String>>([])
    private let repairing = Mutex<Task<Void, any Error>?>(nil)

    init(queue: String, total: Int) {
        self.queue = queue
        self.total = total
    }

    /// The ids of all messages.
    var ids: [String] { (0..<total).map { "m\($0)" } }

    /// Those for which an error said that their fate is unknown.
    var unknown: Set<String> { reportedUnknown.withLock { $0 } }

    /// Crashes the broker and starts it again; meanwhile the lanes whose messages fail wait for the end of it, because
    /// trying again and again would take the starting broker's time.
    func crash(_ broker: PrivateBroker) async throws {
        let repair = Task {
            try broker.kill()
            try broker.restart()
        }
        repairing.withLock { $0 = repair }
        try await repair.value
    }

    /// Publishes one lane's share; tells after each message how many are confirmed in all lanes.
    func publish(_ lane: Int, with publisher: AmqpPublisher, onConfirm: @Sendable (Int) -> Void) async throws {
        for number in stride(from: lane, to: total, by: Self.lanes) {
            let id = "m\(number)"
            while let error = await failure(publisher, message(id, to: queue)) {
                try Task.checkCancellation()
                try #require(error.isRetryable)
                if error.isFateUnknown { reportedUnknown.withLock { _ = $0.insert(id) } }
                try await repairing.withLock { $0 }?.value
            }
            onConfirm(confirmed.wrappingAdd(1, ordering: .relaxed).newValue)
        }
    }
}
