// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// How the program ends, for whatever a command threw.
enum Verdict: Equatable {
    /// The reader of our output has gone: no word.
    case silentPipe
    /// The user asked for help, version or a script; it goes to standard output.
    case help(String)
    /// Anything else; the text, if any, goes to standard error.
    case failed(ExitStatus, String?)

    /// Judges an error.
    init(of error: any Error) {
        switch error {
        case ClientError.outputClosed:
            self = .silentPipe
        case let failure as CommandFailure:
            self = .failed(failure.status, failure.message.map(Self.line))
        case let error as ClientError:
            self = .failed(error.exitStatus, Self.line(error.message))
        case is CancellationError:
            self = .failed(.interrupted, Self.line("interrupted"))
        default:
            self = Self.parserVerdict(error)
        }
    }

    /// `batchctl: …`, safe for a terminal.
    static func line(_ message: String) -> String { "batchctl: " + PlainText.safe(message) }

    private static func parserVerdict(_ error: any Error) -> Verdict {
        let text = BatchctlCommand.fullMessage(for: error)
        switch BatchctlCommand.exitCode(for: error) {
        case .success:
            return .help(text)
        case .validationFailure:
            return .failed(.usage, usage(text))
        default:
            return .failed(.internalFault, line("internal error: \(error)"))
        }
    }

    /// The parser's first line and its advice as one line, without the usage between them.
    private static func usage(_ text: String) -> String {
        let lines = text.split(separator: "\n").map { $0.drop { $0 == " " } }
        let first = lines.first.map { $0.hasPrefix("Error: ") ? $0.dropFirst("Error: ".count) : $0 } ?? "wrong usage"
        let advice = lines.last { $0.hasPrefix("See '") } ?? "See 'batchctl --help' for more information."
        return line(first.last.map { ".!?".contains($0) } == true ? "\(first) \(advice)" : "\(first). \(advice)")
    }
}
