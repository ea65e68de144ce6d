// SPDX-License-Identifier: Apache-2.0
import CRabbitMQ
import Glibc

/// Starts threads for calls that block, outside Swift's cooperative pool.
enum OwnThread {
    /// Runs `body` on a new detached thread with all signals blocked. Throws when the system has no thread left.
    ///
    /// - Parameter name: for process listings; cut to 15 bytes.
    static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(AmqpError) {
        let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
        let code = shardline_amqp_thread_start(
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
                shardline_amqp_thread_prepare(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw AmqpError(
                .invalidConfiguration,
                "cannot start a thread for the AMQP publisher: \(String(cString: strerror(code))); "
                    + "raise the limit of threads (ulimit -u, pids cgroup)")
        }
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
