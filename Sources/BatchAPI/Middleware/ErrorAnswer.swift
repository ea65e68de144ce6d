// SPDX-License-Identifier: Apache-2.0

import BatchCore
import HTTPTypes
import Postgres

/// Turning whatever was thrown into what a user may see. (contracts: OpenAI error body, rule 0.3)
enum ErrorAnswer {
    /// The error that the user sees for `error`, and whether it is one of ours that must be logged with its cause.
    static func visible(_ error: any Error, requestID: String) -> (error: BatchError, isInternal: Bool) {
        switch error {
        case let error as BatchError:
            return (error, false)
        case let error as PostgresError where error.isRetryable || error.code == .poolClosed:
            return (.unavailable("The database is not reachable at the moment; please retry shortly."), true)
        case is CancellationError:
            return (.unavailable("The server is shutting down; please retry."), false)
        default:
            return (
                BatchError(
                    status: 500, type: "server_error",
                    message: "The server had an error while processing your request. Retry it, and if it persists tell "
                        + "the operator this request id: \(requestID)."),
                true
            )
        }
    }

    /// The response for an error: the body of four keys, and the headers that steer the retries of the SDKs.
    static func answer(_ error: BatchError) -> Answer {
        var answer = Answer.json(error.errorBody, status: HTTPResponse.Status(code: error.status))
        if let seconds = error.retryAfterSeconds {
            answer.headers[.retryAfter] = String(min(max(seconds, 1), 60))
        }
        if error.isFinal { answer.headers[.xShouldRetry] = "false" }
        if error.status == 401 { answer.headers[.wwwAuthenticate] = "Bearer" }
        return answer
    }
}
