// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Where the engine thread leaves the bytes of a download and its consumer fetches them. Bounded: when the buffer
/// is full the engine is told to pause, and the consumer that empties it is told to resume the engine.
final class DownloadChannel: Sendable {
    /// Result of one fetch: bytes, or nil at the end.
    typealias Delivery = Result<[UInt8]?, CurlError>

    private struct State {
        var buffer: [UInt8] = []
        var isPaused = false
        var ending: Result<Void, CurlError>?
        var waiter: UnsafeContinuation<Delivery, Never>?
    }

    private let bufferBytesMax: Int
    private let state = Mutex(State())

    /// An empty channel that pauses the engine from `bufferBytesMax` bytes on.
    init(bufferBytesMax: Int) {
        self.bufferBytesMax = bufferBytesMax
    }

    /// Engine side: takes the bytes, or none of them and returns false, which makes the engine pause.
    func offer(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let (isTaken, waiter) = state.withLock { state -> (Bool, UnsafeContinuation<Delivery, Never>?) in
            if let waiter = state.waiter {
                state.waiter = nil
                return (true, waiter)
            }
            if state.buffer.count >= bufferBytesMax {
                state.isPaused = true
                return (false, nil)
            }
            state.buffer.append(contentsOf: bytes)
            return (true, nil)
        }
        waiter?.resume(returning: .success(Array(bytes)))
        return isTaken
    }

    /// Engine side: nothing more will come. Bytes already taken are still delivered, then the end or the error.
    func finish(_ ending: Result<Void, CurlError>) {
        let waiter = state.withLock { state in
            if state.ending == nil { state.ending = ending }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: ending.map { nil })
    }

    /// Consumer side: all bytes there are, or those that come next. Calls `resumeEngine` if the engine had paused.
    /// One consumer at a time.
    func fetch(resumeEngine: () -> Void) async -> Delivery {
        if let delivery = take(resumeEngine) { return delivery }
        return await withUnsafeContinuation { continuation in
            let delivery: Delivery? = state.withLock { state in
                if let delivery = Self.take(&state) { return delivery }
                state.waiter = continuation
                return nil
            }
            if let delivery { continuation.resume(returning: delivery) }
        }
    }

    private func take(_ resumeEngine: () -> Void) -> Delivery? {
        let (delivery, wasPaused) = state.withLock { state in
            let delivery = Self.take(&state)
            defer { if delivery != nil { state.isPaused = false } }
            return (delivery, state.isPaused && delivery != nil)
        }
        if wasPaused { resumeEngine() }
        return delivery
    }

    private static func take(_ state: inout State) -> Delivery? {
        if !state.buffer.isEmpty {
            let bytes = state.buffer
            state.buffer = []
            return .success(bytes)
        }
        return state.ending?.map { nil }
    }
}
