// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A thread for blocking calls, outside Swift's cooperative pool.
struct OwnThread: @unchecked Sendable {
    private let handle: pthread_t

    /// Stack of each thread: libpq, OpenSSL and a user closure fit well into it.
    static let stackBytes = 512 * 1024

    /// Starts a thread that runs `body` once. Throws when the system has no thread left.
    init(_ body: @escaping @Sendable () -> Void) throws {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, Self.stackBytes)
        let start = Unmanaged.passRetained(ThreadBody(body))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, start.toOpaque())
        guard status == 0 else {
            start.release()
            throw PostgresError(
                code: .other(sqlstate: "53000"),
                message: "cannot start a thread for a database connection: \(String(cString: strerror(status)))",
                hint: "raise the limit of threads (ulimit -u, pids cgroup) or lower connectionsMax")
        }
        handle = thread
    }

    /// Waits for the end of the thread; call it once, when the thread is known to be at its end.
    func join() { pthread_join(handle, nil) }

    /// Lets the system reclaim the thread at its end; instead of `join`.
    func detach() { pthread_detach(handle) }
}

/// Carries a closure through pthread_create's pointer.
private final class ThreadBody {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}
