// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The client has gone before it was answered: there is nobody to answer.
struct ClientGone: Error {}

/// A connection whose request waits for its answer, perhaps for days.
struct HeldConnection: Sendable {
    /// The connection.
    let channel: any Channel

    /// Waits for what `wait` gives, and cancels it as soon as the client has gone.
    ///
    /// - Throws: ``ClientGone``, or what `wait` throws.
    func hold<Value: Sendable>(_ wait: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let waiting = Task { try await wait() }
        let isGone = Flag()
        let leave: @Sendable () -> Void = {
            isGone.set()
            waiting.cancel()
        }
        let registered = channel.eventLoop.makePromise(of: Void.self)
        channel.triggerUserOutboundEvent(HangUpWatch.begin(leave), promise: registered)
        // The pipeline of a connection that is closed already has nobody left who takes the event.
        registered.futureResult.whenFailure { _ in leave() }
        defer { channel.triggerUserOutboundEvent(HangUpWatch.end, promise: nil) }
        do {
            return try await withTaskCancellationHandler {
                try await waiting.value
            } onCancel: {
                waiting.cancel()
            }
        } catch {
            throw isGone.isSet ? ClientGone() : error
        }
    }
}

/// Something that happened or not.
private final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .acquiring) }

    func set() { value.store(true, ordering: .releasing) }
}
