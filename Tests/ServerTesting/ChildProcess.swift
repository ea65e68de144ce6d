// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Glibc
import Synchronization

/// A running program, supervised: its end is noticed, its output kept in files, and it never outlives the tests.
package final class ChildProcess: Sendable {
    /// How a process ended.
    package enum End: Hashable, Sendable {
        case exited(Int32)
        case signalled(Int32)
    }

    /// Process id; it stays reserved until ``end(within:)`` has been seen.
    package let pid: pid_t
    private let name: String
    private let outputPath: String
    private let errorsPath: String
    private let inputEnd: Int32
    private let ended = Mutex<End?>(nil)

    /// Starts a program; `name` is for its output files in `scratch` and for messages.
    ///
    /// - Parameter holdsInput: true keeps its standard input open as long as the tests live.
    package init(
        _ program: String, _ arguments: [String], environment: [String: String?] = [:], name: String,
        in scratch: Scratch,
        holdsInput: Bool = false
    ) throws {
        let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
        self.name = name
        outputPath = scratch.path("\(name).\(number).out")
        errorsPath = scratch.path("\(name).\(number).err")
        let reaper = try Reaper.shared.get()
        let (readEnd, writeEnd) = try Spawn.pipe()
        defer { close(readEnd) }
        inputEnd = writeEnd
        pid = try Spawn(
            program: program, arguments: arguments, environment: environment,
            input: holdsInput ? .descriptor(readEnd) : .nothing, output: outputPath, errors: errorsPath
        ).start()
        reaper.add(pid)
        defer { scratch.adopt(self) }
        Thread.detachNewThread { [self] in
            var information = siginfo_t()
            // Its id must not be given to another process between its end and the moment we know of it.
            while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) < 0 && errno == EINTR {}
            close(inputEnd)
            reaper.remove(pid)
            ended.withLock { end in
                var status: Int32 = 0
                waitpid(pid, &status, 0)
                let signal = status & 0x7f
                end = signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
            }
        }
    }

    private static let counter = Atomic<Int>(0)

    /// How it ended; nil while it runs.
    package var end: End? { ended.withLock { $0 } }
    /// What it has written to standard output so far.
    package var output: String { Self.text(of: outputPath) }
    /// What it has written to standard error so far.
    package var errors: String { Self.text(of: errorsPath) }

    /// Sends a signal; nothing happens when the process has ended.
    package func signal(_ number: Int32) {
        ended.withLock { end in
            if end == nil { kill(pid, number) }
        }
    }

    /// Waits for its end; throws with the end of its log when that does not come in time.
    @discardableResult
    package func end(within deadline: Duration = .seconds(60)) async throws -> End {
        try await eventually("end of \(name) (pid \(pid))\n\(logTail)", within: deadline) { end }
    }

    /// SIGTERM, then its end; SIGKILL and an error when it takes longer than `deadline`.
    @discardableResult
    package func stop(within deadline: Duration = .seconds(60)) async throws -> End {
        signal(SIGTERM)
        do {
            return try await end(within: deadline)
        } catch {
            signal(SIGKILL)
            throw error
        }
    }

    /// SIGKILL, and waits until it is gone.
    package func kill9() async throws {
        signal(SIGKILL)
        try await end()
    }

    /// The first line of standard output that begins with `prefix`; throws when the process ends before it.
    package func line(beginningWith prefix: String, within deadline: Duration = .seconds(90)) async throws -> String {
        try await eventually("line '\(prefix)…' of \(name)", within: deadline) {
            // The end is asked for first: a process that has ended has written all it will.
            let hasEnded = end
            let complete = output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            if let line = complete.first(where: { $0.hasPrefix(prefix) }) { return String(line) }
            if let hasEnded { throw HarnessError("\(name) ended (\(hasEnded)) before it was ready\n\(logTail)") }
            return nil
        }
    }

    /// The end of its standard error, for messages.
    package var logTail: String { String(errors.suffix(4_000)) }

    private static func text(of path: String) -> String {
        // The file is there from the start on; a folder that was removed is read as nothing.
        (FileManager.default.contents(atPath: path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
