// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient
internal import Dispatch
internal import Glibc

/// The program: parses, runs the command under the eye of Ctrl-C, and turns what was thrown into words and a status.
@main
enum Program {
    /// Version of the program, as `--version` prints it.
    static let version = "0.1.0"

    /// Runs the command line.
    static func main() async {
        // A reader that goes away shows as EPIPE where we write, and is treated there.
        signal(SIGPIPE, SIG_IGN)
        do {
            try await run(arguments: Array(CommandLine.arguments.dropFirst()))
        } catch {
            end(Verdict(of: error))
        }
    }

    private static func run(arguments: [String]) async throws {
        let work = Task {
            var command = try BatchctlCommand.parseAsRoot(Self.tolerated(arguments))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        }
        let sources = [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM")].map { number, _ in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { @Sendable in
                if work.isCancelled { _exit(ExitStatus.interrupted.rawValue) }
                work.cancel()
                DispatchQueue.global().asyncAfter(deadline: .now() + InterruptGrace.interval) { @Sendable in
                    _exit(ExitStatus.interrupted.rawValue)
                }
            }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        try await work.value
    }

    /// The third example of vLLM's guide to `run-batch` says `--model --model NAME`, and shall run.
    static func tolerated(_ arguments: [String]) -> [String] {
        guard let first = arguments.first, ["run", "run-batch"].contains(first) else { return arguments }
        let doubled = zip(arguments, arguments.dropFirst()).map { $0 == "--model" && $1 == "--model" }
        return zip(arguments, [false] + doubled).filter { !$0.1 }.map(\.0)
    }

    /// Says what there is to say and exits.
    private static func end(_ verdict: Verdict) -> Never {
        switch verdict {
        case .silentPipe:
            // The shell shall see what it sees of every program in a pipe.
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
            exit(ExitStatus.done.rawValue)
        case .help(let text):
            write(text + "\n", to: STDOUT_FILENO)
            exit(ExitStatus.done.rawValue)
        case .failed(let status, let text):
            if let text { write(text + "\n", to: STDERR_FILENO) }
            exit(status.rawValue)
        }
    }

    private static func write(_ text: String, to descriptor: CInt) {
        // Nobody is left to be told when these words find no reader.
        try? writeAll(Array(text.utf8), to: descriptor, name: "output")
    }
}
