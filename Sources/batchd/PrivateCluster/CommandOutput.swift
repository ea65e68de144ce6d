// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What a short command printed and how it ended.
struct CommandOutput: Hashable, Sendable {
    /// How it ended; nil when it was ended by us because it took too long.
    let ending: ChildProcess.Ending?
    /// Standard output and standard error together, without white space at the ends, at most 64 KiB.
    let text: String

    /// Whether it exited with code 0.
    var succeeded: Bool { ending == .exited(0) }

    /// Runs `command` to its end, for at most `limit`; a program that cannot be started has failed without output.
    ///
    /// - Throws: only `CancellationError`, after ending the command.
    static func of(
        _ command: [String], environment: [String: String], limit: Duration = .seconds(10)
    ) async throws -> CommandOutput {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return CommandOutput(ending: nil, text: "") }
        defer { close(ends[0]) }
        // A full pipe would block the child for ever, and an empty one us: neither is waited for.
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        let child: ChildProcess
        do {
            child = try ChildProcess.start(command, environment: environment, output: ends[1])
            close(ends[1])
        } catch {
            close(ends[1])
            return CommandOutput(ending: nil, text: String(describing: error))
        }
        let ending = await child.wait(upTo: limit)
        if ending == nil {
            child.signal(SIGKILL)
            try Task.checkCancellation()
        }
        let bytes = DirectoryEntries.bytes(from: ends[0], limit: 64 << 10)
        let text = String(decoding: bytes, as: UTF8.self)
        let trimmed = text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()
        return CommandOutput(ending: ending, text: String(trimmed))
    }
}
