// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// An event that happens once and that threads and tasks can wait for, always with a deadline.
package final class TestSignal: Sendable {
    /// The event did not happen in time.
    package struct TimedOut: Error, CustomStringConvertible {
        /// Which event was waited for.
        package let description: String
    }

    private struct State {
        var hasFired = false
        var waiters: [Int: UnsafeContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    private let name: String
    private let state = Mutex(State())
    private let readEnd: CInt
    private let writeEnd: CInt

    /// An event that has not happened yet.
    ///
    /// - Parameter name: shown when waiting for it times out.
    package init(_ name: String) {
        self.name = name
        var ends: [CInt] = [-1, -1]
        _ = pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// Whether the event has happened.
    package var hasFired: Bool { state.withLock { $0.hasFired } }

    /// The event happens; later calls change nothing.
    package func fire() {
        let waiters = state.withLock { state -> [UnsafeContinuation<Void, Never>] in
            if state.hasFired { return [] }
            state.hasFired = true
            defer { state.waiters.removeAll() }
            return Array(state.waiters.values)
        }
        // The byte is never read, so the pipe stays readable for every waiting thread.
        var byte: UInt8 = 1
        _ = write(writeEnd, &byte, 1)
        for waiter in waiters { waiter.resume() }
    }

    /// Blocks the calling thread until the event; for threads of a scripted server, never for tasks.
    package func waitOnThread(seconds: Int = 30) throws(TimedOut) {
        var descriptor = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
        if poll(&descriptor, 1, CInt(seconds * 1000)) != 1 { throw TimedOut(description: name) }
    }

    /// Suspends the task until the event.
    package func wait(seconds: Int = 30) async throws(TimedOut) {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let deadline = Task {
            try await Task.sleep(for: .seconds(seconds))
            let waiter = self.state.withLock { $0.waiters.removeValue(forKey: number) }
            waiter?.resume()
        }
        await withUnsafeContinuation { continuation in
            let hasFired = state.withLock { state in
                if !state.hasFired { state.waiters[number] = continuation }
                return state.hasFired
            }
            if hasFired { continuation.resume() }
        }
        deadline.cancel()
        if !hasFired { throw TimedOut(description: name) }
    }
}
