// SPDX-License-Identifier: Apache-2.0

internal import BatchCore

/// What clients are told when a held request cannot be answered: always with a `Retry-After`, because the SDKs repeat
/// at once without one. (contracts: Ark batch chat, retry behaviour)
enum LiveFault {
    /// The process is on its way out; the next one finds what was begun.
    static var leaving: BatchError {
        .unavailable(
            "The server is shutting down. Send the request again: what was begun of it is not lost.",
            retryAfterSeconds: 1)
    }

    /// The line was dropped although somebody waits: the process seemed dead for a while.
    static var dropped: BatchError {
        .unavailable("The request lost its place in the queue. Send it again.", retryAfterSeconds: 1)
    }

    /// The client's time is over.
    static func waitOver(_ wait: Duration, retryAfterSeconds: Int) -> BatchError {
        .unavailable(
            "The request was not answered within \(wait.components.seconds) s. Send it again: if it has been begun, "
                + "it is answered with what comes of it.", retryAfterSeconds: retryAfterSeconds)
    }

    /// No attempt succeeded.
    static func failed(_ reason: String, retryAfterSeconds: Int) -> BatchError {
        .unavailable(
            "The backend did not answer the request: \(reason). Send it again later.",
            retryAfterSeconds: retryAfterSeconds)
    }

    /// There are too many.
    static func full(_ what: String, setting: String, retryAfterSeconds: Int) -> BatchError {
        BatchError(
            status: 429, type: "rate_limit_error", code: "rate_limit_exceeded",
            message: "This server holds \(what) and takes no more (`\(setting)`). Send the request again later.",
            retryAfterSeconds: retryAfterSeconds)
    }
}

extension LiveAnswer {
    /// What came of a line, as the client is told.
    ///
    /// - Throws: a 503 when it was not the request's own fault that there is no answer.
    init(_ outcome: Outcome, retryAfterSeconds: Int) throws {
        let requestID = outcome.requestID.isEmpty ? nil : outcome.requestID
        switch outcome.kind {
        case .success:
            self.init(status: 200, body: Array(outcome.body), requestID: requestID)
        case .httpError where Self.isRefusal(outcome.statusCode):
            self.init(status: outcome.statusCode, body: Array(outcome.body), requestID: requestID)
        case .httpError:
            throw LiveFault.failed(
                "its last answer was HTTP \(outcome.statusCode)", retryAfterSeconds: retryAfterSeconds)
        case .noResponse(_, let message):
            throw LiveFault.failed(message, retryAfterSeconds: retryAfterSeconds)
        }
    }

    /// Whether a status says that the request itself is at fault; the others the SDKs would repeat.
    private static func isRefusal(_ status: Int) -> Bool {
        (400..<500).contains(status) && ![408, 409, 429].contains(status)
    }
}
