// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import Loops

/// This program once more, as a coordinator or worker of its own process, so that the kernel accounts for it apart.
final class BenchProcess: Sendable {
    /// What messages call it.
    let name: String
    /// The process.
    let child: ChildProcess
    /// What it writes: its ready line, and log lines in JSON.
    let outputPath: String

    /// Longest time from its start to its ready line.
    private static let readyLimit = Duration.seconds(120)
    /// Longest orderly end before it is killed; a worker may drain for half a minute.
    private static let stopLimit = Duration.seconds(90)
    /// Longest time for the kernel to end a killed process.
    private static let killLimit = Duration.seconds(10)

    /// Starts this very program with `arguments`.
    ///
    /// - Parameters:
    ///   - name: for messages and for the file in `directory` that takes its output; several runs share it.
    ///   - environment: all of the child's.
    init(_ name: String, _ arguments: [String], environment: [String: String], directory: BenchDirectory) throws {
        self.name = name
        outputPath = "\(directory.path)/\(name).log"
        // Emptied: the ready line of an earlier run is not this one's.
        let output = open(outputPath, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw PrivateClusterError.system("write", outputPath, code: errno) }
        defer { close(output) }
        guard let program = realpath("/proc/self/exe", nil) else {
            throw PrivateClusterError.system("find", "/proc/self/exe", code: errno)
        }
        defer { free(program) }
        child = try ChildProcess.start(
            [String(cString: program)] + arguments, environment: environment, output: output)
    }

    /// Waits for its ready line and returns what follows `beginning` there.
    func ready(_ beginning: String) async throws -> String {
        let end = ContinuousClock.now + Self.readyLimit
        while ContinuousClock.now < end {
            if let line = lines(of: DirectoryEntries.text(of: outputPath)).first(where: { $0.hasPrefix(beginning) }) {
                return String(line.dropFirst(beginning.count))
            }
            if let ending = await child.wait(upTo: .milliseconds(10)) {
                throw BenchFault(
                    "the \(name) ended with \(ending) before it was ready:\n\(DirectoryEntries.tail(of: outputPath))")
            }
            try Task.checkCancellation()
        }
        throw BenchFault("the \(name) was not ready within \(Self.readyLimit); see \(outputPath)")
    }

    /// Asks it to end, and kills it when it does not; runs to its end whatever is cancelled.
    ///
    /// - Returns: how it ended; nil when even the kernel could not end it.
    @discardableResult
    func stop() async -> ChildProcess.Ending? {
        await withoutCancellation { [child] in
            child.signal(SIGTERM)
            // A process that was stopped hears of it only when it goes on.
            child.signal(SIGCONT)
            if let ending = await child.wait(upTo: Self.stopLimit) { return ending }
            child.signal(SIGKILL)
            return await child.wait(upTo: Self.killLimit)
        }
    }

    /// Kills it without a warning and waits until it is gone.
    func kill9() async throws {
        child.signal(SIGKILL)
        guard await child.wait(upTo: Self.killLimit) != nil else {
            try Task.checkCancellation()
            throw BenchFault("the \(name) (process \(child.pid)) outlived SIGKILL by \(Self.killLimit)")
        }
    }

    /// The fields of the last log line with that message; nil when it never said so.
    func logged(_ message: String) -> [String: String]? {
        lines(of: DirectoryEntries.tail(of: outputPath, limit: 256 << 10)).reversed().lazy
            .compactMap { try? JSONDecoder().decode([String: String].self, from: Data($0.utf8)) }
            .first { $0["message"] == message }
    }

    private func lines(of text: String?) -> [Substring] {
        // The last line may be half written.
        (text ?? "").split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    }
}
