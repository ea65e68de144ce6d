// SPDX-License-Identifier: Apache-2.0
import CLibcurl

/// Starts the engine's own thread.
enum EngineThread {
    /// The calling thread, whoever started it.
    static var current: UInt { UInt(pthread_self()) }

    /// Runs `body` on a new detached thread with all signals blocked. Returns 0 or the system's error number.
    ///
    /// - Parameter name: for process listings; cut to 15 bytes.
    static func start(name: String, _ body: @escaping @Sendable () -> Void) -> CInt {
        let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
        let code = shardline_thread_start(
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
                shardline_thread_prepare(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        if code != 0 { start.release() }
        return code
    }
}

/// What a new thread is given.
private final class ThreadStart: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}
