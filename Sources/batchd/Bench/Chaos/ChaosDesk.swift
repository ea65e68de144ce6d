// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Synchronization

/// The API of a fleet whose coordinators come and go: every call goes to one that is there, and again until it is
/// answered.
final class ChaosDesk: Sendable {
    private let clients = Mutex<[Int: Client]>([:])
    private let turn = Atomic<Int>(0)

    /// Wait between two attempts.
    private static let pause = Duration.milliseconds(50)

    /// A coordinator serves.
    func open(_ index: Int, _ client: Client) { clients.withLock { $0[index] = client } }

    /// A coordinator is going away; returns its client.
    @discardableResult
    func close(_ index: Int) -> Client? { clients.withLock { $0.removeValue(forKey: index) } }

    /// Asks until there is an answer that is no fault of a server or a connection.
    func ask<Value>(
        _ what: String, until deadline: ContinuousClock.Instant,
        _ question: (Client) async throws(ClientError) -> Value
    ) async throws -> Value {
        var last = "no coordinator serves"
        while ContinuousClock.now < deadline {
            try Task.checkCancellation()
            if let client = next() {
                do throws(ClientError) {
                    return try await question(client)
                } catch {
                    switch error {
                    case .unreachable, .interrupted, .serverFault: last = error.message
                    case .refused(let refusal, _) where refusal.status == 429 || refusal.status == 408:
                        last = error.message
                    case .refused, .unintelligible, .localFile, .outputClosed, .unsendable, .cancelled:
                        throw BenchFault("\(what): \(error.message)")
                    }
                }
            }
            try await Task.sleep(for: Self.pause)
        }
        throw BenchFault("\(what): no answer in time; the last failure: \(last)")
    }

    private func next() -> Client? {
        let number = turn.wrappingAdd(1, ordering: .relaxed).newValue
        return clients.withLock { clients in
            let sorted = clients.sorted { $0.key < $1.key }
            return sorted.isEmpty ? nil : sorted[number % sorted.count].value
        }
    }
}
