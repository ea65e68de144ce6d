// SPDX-License-Identifier: Apache-2.0
internal import BatchClient

/// A command ends without success, for a reason that is no error of the client.
struct CommandFailure: Error, Hashable {
    /// What the program exits with.
    var status: ExitStatus
    /// One sentence: the thing and the way out; nil when everything has been said.
    var message: String?

    /// A failure.
    init(_ status: ExitStatus, _ message: String? = nil) {
        self.status = status
        self.message = message
    }
}

extension ClientError {
    /// What the program exits with.
    var exitStatus: ExitStatus {
        switch self {
        case .unreachable, .interrupted, .serverFault, .unintelligible: .unreachable
        case .refused: .refused
        case .localFile: .localFile
        case .unsendable: .internalFault
        case .outputClosed: .done
        case .cancelled: .interrupted
        }
    }
}
