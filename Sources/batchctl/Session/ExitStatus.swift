// SPDX-License-Identifier: Apache-2.0

/// What the program's exit status says. Numbers never change their meaning.
enum ExitStatus: Int32, CaseIterable {
    case done = 0
    case internalFault = 1
    case refused = 3
    case unreachable = 4
    case notCompleted = 5
    case linesFailed = 6
    case localFile = 7
    case problemsFound = 8
    case nothingToFetch = 9
    case notDelivered = 10
    case usage = 64
    case interrupted = 130

    /// Its meaning, as the help lists it.
    var meaning: String {
        switch self {
        case .done: "done (with --watch or --wait: every line succeeded)"
        case .internalFault: "internal error: a fault of this program"
        case .refused: "the server refused the request (HTTP 4xx)"
        case .unreachable: "the server cannot be reached, or it failed (HTTP 5xx)"
        case .notCompleted: "the batch failed, expired or was cancelled"
        case .linesFailed: "the batch completed, but some lines failed (--watch, --wait, run)"
        case .localFile: "a local file cannot be read or written"
        case .problemsFound: "validate, run or convert found problems in a file"
        case .nothingToFetch: "results: the batch is not finished, or has no such file"
        case .notDelivered: "webhooks test: the receiver did not accept the trial event"
        case .usage: "wrong command, option or argument"
        case .interrupted: "interrupted by Ctrl-C"
        }
    }

    /// Every status, one in a line, for the help.
    static var table: String {
        allCases.map { status in
            let number = String(status.rawValue)
            return "  " + String(repeating: " ", count: 3 - number.count) + number + "  " + status.meaning
        }.joined(separator: "\n")
    }
}
