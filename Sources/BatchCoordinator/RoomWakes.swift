// SPDX-License-Identifier: Apache-2.0

internal import BatchStore
internal import Loops

/// The wake signals of a coordinator's rooms, one per loop, and which notification wakes which room.
struct RoomWakes: Sendable {
    let closer = WakeSignal()
    let deliverer = WakeSignal()
    let admitter = WakeSignal()
    let validators: [WakeSignal]
    let finalizers: [WakeSignal]
    let fetchers: [WakeSignal]
    let resultDeliverers: [WakeSignal]

    init(validators: Int, finalizers: Int, fetchers: Int, resultDeliverers: Int) {
        self.fetchers = (0..<fetchers).map { _ in WakeSignal() }
        self.resultDeliverers = (0..<resultDeliverers).map { _ in WakeSignal() }
        self.validators = (0..<validators).map { _ in WakeSignal() }
        self.finalizers = (0..<finalizers).map { _ in WakeSignal() }
    }

    /// Wakes the rooms that a channel concerns; after a reconnect all of them, because notifications may be lost.
    func wake(for channel: String, isReconnect: Bool) {
        if isReconnect || channel == Signals.batches {
            closer.wake()
            admitter.wake()
            validators.forEach { $0.wake() }
            fetchers.forEach { $0.wake() }
            resultDeliverers.forEach { $0.wake() }
            wakeFinalizers()
        }
        if isReconnect || channel == Signals.events { deliverer.wake() }
    }

    /// Tells the finalizers that a batch may be waiting for them.
    func wakeFinalizers() {
        finalizers.forEach { $0.wake() }
    }
}
