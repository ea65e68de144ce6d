// SPDX-License-Identifier: Apache-2.0

/// Why the private PostgreSQL cannot be used: the thing, the place, the way out.
struct PrivateClusterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which kind of trouble; decides the program's exit code.
    enum Kind: Hashable, Sendable {
        /// Something the machine lacks, such as the server programs.
        case missing
        /// Another process uses the data directory.
        case inUse
        /// The data directory cannot be used by us.
        case refused
        /// PostgreSQL did not do what it was asked for.
        case failed
    }

    /// Which kind of trouble.
    let kind: Kind
    /// One or two sentences for the operator.
    let description: String

    /// An error of `kind` with its sentences.
    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// A system call failed: `cannot <operation> <path>: <reason>`; `code` is its errno.
    static func system(_ operation: String, _ path: String, code: Int32) -> PrivateClusterError {
        PrivateClusterError(.refused, "cannot \(operation) \(path): \(SystemReason.text(code))")
    }
}
