// SPDX-License-Identifier: Apache-2.0

import BatchCoordinator
import BatchCore
import HTTPTypes

/// Turning what a backend made of a held request into a response. (contracts: Ark runtime response)
enum LiveReply {
    /// The response: a success byte by byte; a refusal in the one form that Ark's clients read.
    static func answer(_ answer: LiveAnswer) -> Answer {
        guard answer.status == 200 else { return refusal(answer) }
        // Clients repeat an empty success or break on it.
        guard !answer.body.isEmpty else {
            return ErrorAnswer.answer(
                LiveFault.told(.unavailable("The backend answered with an empty body; please send the request again.")))
        }
        var headers = HTTPFields()
        headers[.contentType] = "application/json"
        return Answer(status: .ok, headers: headers, body: .bytes(answer.body))
    }

    private static func refusal(_ answer: LiveAnswer) -> Answer {
        let said = answer.body.withUnsafeBytes { AnswerError.read($0, status: answer.status) }
        let status = (400...499).contains(answer.status) ? answer.status : 503
        let error = BatchError(
            status: status, type: status == 404 ? "NotFound" : "invalid_request_error", code: said.code,
            message: said.message, isFinal: true)
        return ErrorAnswer.answer(LiveFault.told(error))
    }
}
