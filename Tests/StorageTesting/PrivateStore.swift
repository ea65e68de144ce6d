// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Synchronization

/// A real object store of the tests' own that speaks S3: OpenStack Swift, in a process of Tests/Python/object_store.py.
///
/// It dies with the test process, however that ends: it waits for the end of a pipe whose write end is here.
package final class PrivateStore: Sendable {
    /// Access key of the owner.
    package static let accessKey = "test:tester"
    /// Secret key of the owner.
    package static let secretKey = "testing"
    /// Region of the store.
    package static let region = "us-east-1"

    /// Port on 127.0.0.1.
    package let port: UInt16
    private let pid: pid_t
    private let writeEnd: CInt

    /// Made once, a failure too, so that a hundred tests do not try a hundred times.
    private static let one = Result { try PrivateStore() }

    /// The one store that the tests of a process share; they keep apart by using buckets of their own.
    package static func shared() throws -> PrivateStore { try one.get() }

    /// Starts a store and waits until it answers: about two seconds.
    package init() throws {
        var input: [CInt] = [-1, -1]
        var output: [CInt] = [-1, -1]
        guard pipe(&input) == 0, pipe(&output) == 0 else { throw PrivateStoreError("cannot make a pipe") }
        for end in input + output { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(output[0]) }
        let started = Result { try Self.spawn([Self.python, Self.program], input: input[0], output: output[1]) }
        // With these open here, the end of the program would not show.
        for end in [input[0], output[1]] { close(end) }
        writeEnd = input[1]
        pid = try started.get()
        guard let line = Self.line(from: output[0], within: 60), let port = UInt16(line) else {
            close(writeEnd)
            throw PrivateStoreError(
                "the object store did not start: see its message above; Deploy/test installs what it needs")
        }
        self.port = port
    }

    deinit {
        close(writeEnd)
        waitpid(pid, nil, 0)
    }

    /// `http://127.0.0.1:port`
    package var url: String { "http://127.0.0.1:\(port)" }

    /// A name for a bucket that nobody has used.
    package static func freshBucket() -> String { "bucket-" + UUID().uuidString.lowercased() }

    private static var root: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
    }

    private static var program: String { root + "/Tests/Python/object_store.py" }

    private static var python: String {
        ProcessInfo.processInfo.environment["SHARDLINE_TEST_PYTHON"] ?? root + "/.venv/bin/python"
    }

    private static func spawn(_ command: [String], input: CInt, output: CInt) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        // In a group of its own, so that Ctrl-C leaves it time to remove its folder.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var argv = command.map { strdup($0) } + [nil]
        defer { for text in argv { free(text) } }
        var pid = pid_t()
        let status = posix_spawn(&pid, command[0], &actions, &attributes, &argv, environ)
        guard status == 0 else {
            throw PrivateStoreError("cannot start \(command[0]): \(String(cString: strerror(status)))")
        }
        return pid
    }

    /// Text up to the first end of a line; nil when the pipe ends or the time runs out before.
    private static func line(from descriptor: CInt, within seconds: CInt) -> String? {
        var bytes: [UInt8] = []
        while bytes.count < 100 {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, seconds * 1_000) == 1 else { return nil }
            var byte: UInt8 = 0
            guard read(descriptor, &byte, 1) == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
        return nil
    }
}

/// Why the tests have no object store.
package struct PrivateStoreError: Error, CustomStringConvertible {
    /// What failed, and the way out.
    package let description: String

    init(_ description: String) { self.description = description }
}
