// SPDX-License-Identifier: Apache-2.0
package import BatchCore

/// Why a run ended before its end.
package struct RunError: Error, Sendable, CustomStringConvertible {
    /// What kind of reason it was.
    package enum Kind: Hashable, Sendable {
        /// What was asked for makes no sense, or would destroy something.
        case refused
        /// A local file cannot be read or written.
        case localFile
        /// The input is not valid; see ``RunError/problems``.
        case invalid
        /// The input's URL, the base URL or the output's URL cannot be reached, or refuses.
        case unreachable
        /// The run was asked to stop.
        case interrupted
    }

    /// What kind of reason it was.
    package let kind: Kind
    /// One sentence: the thing, the cause, the way out.
    package let message: String
    /// What is wrong with the input, in order.
    package let problems: [LineProblem]
    /// Whether a full disk is the cause.
    let isForSpace: Bool

    /// An error.
    package init(_ kind: Kind, _ message: String, problems: [LineProblem] = []) {
        self.init(kind, message, problems: problems, isForSpace: false)
    }

    /// An error of which the cause is known.
    init(_ kind: Kind, _ message: String, problems: [LineProblem] = [], isForSpace: Bool) {
        self.isForSpace = isForSpace
        self.kind = kind
        self.message = message
        self.problems = problems
    }

    /// The sentence.
    package var description: String { message }
}
