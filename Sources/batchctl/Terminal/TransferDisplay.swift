// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import Synchronization

/// Shows an upload or download while it runs: the transfer leaves numbers here, a task paints them.
final class TransferDisplay: Sendable {
    private let done = Mutex<Int64>(0)

    /// So many bytes are done; from any thread.
    func update(_ bytes: Int64) {
        done.withLock { $0 = bytes }
    }

    /// Runs `transfer` and shows how far it is, until it ends.
    ///
    /// - Parameters:
    ///   - label: what is going on.
    ///   - total: bytes in all; nil when unknown.
    ///   - isShown: false runs the transfer only.
    static func run<Value: Sendable>(
        _ label: String, total: Int64?, narrator: Narrator, isShown: Bool = true,
        transfer: (@escaping TransferProgress) async throws(ClientError) -> Value
    ) async throws(ClientError) -> Value {
        let display = TransferDisplay()
        let painter = Task { if isShown { await display.paint(label, total: total, narrator: narrator) } }
        let result: Result<Value, ClientError>
        do throws(ClientError) {
            result = .success(try await transfer { display.update($0) })
        } catch {
            result = .failure(error)
        }
        painter.cancel()
        await painter.value
        narrator.clear()
        return try result.get()
    }

    private func paint(_ label: String, total: Int64?, narrator: Narrator) async {
        let began = ContinuousClock.now
        var meter = RateMeter(window: 10)
        while true {
            // What is over in a moment needs no progress. Cancellation ends the wait early.
            try? await Task.sleep(for: narrator.refreshInterval)
            if Task.isCancelled { return }
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            let bytes = done.withLock { $0 }
            meter.add(bytes, at: seconds)
            let state = ProgressState(
                label: label, done: bytes, total: total, unit: .bytes, rate: meter.rate, elapsed: Int64(seconds))
            narrator.show(state, time: seconds)
        }
    }
}
