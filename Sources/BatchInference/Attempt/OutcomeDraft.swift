// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// What is known of an attempt before its result is.
struct OutcomeDraft: Sendable {
    /// The line.
    let request: LineRequest
    /// Who calls.
    let worker: String
    /// When the attempt started, by the wall clock.
    let startedMilliseconds: Int64
    /// The backend's name; empty for the test model.
    var backend = ""
    /// The backend's own id of the request; empty when it gave none.
    var requestID = ""
    /// How long the attempt took.
    var durationMilliseconds: Int64 = 0

    /// An attempt that begins.
    init(request: LineRequest, worker: String, startedMilliseconds: Int64) {
        self.request = request
        self.worker = worker
        self.startedMilliseconds = startedMilliseconds
    }

    /// The line succeeded with an answer made here, which is known to be JSON.
    func success(of answer: [UInt8]) -> Outcome { success(of: ResponseBody(answer), status: 200) }

    /// The line succeeded with this answer.
    func success(of body: ResponseBody, status: Int) -> Outcome { outcome(.success, status: status, body: body) }

    /// The line failed with an answer to show.
    func failure(_ status: Int, _ body: ResponseBody) -> Outcome { outcome(.httpError, status: status, body: body) }

    /// The line failed without an answer.
    func failure(_ code: String, _ message: String) -> Outcome {
        outcome(.noResponse(code: code, message: message), status: 0, body: nil)
    }

    private func outcome(_ kind: OutcomeKind, status: Int, body: ResponseBody?) -> Outcome {
        Outcome(
            ordinal: request.ordinal, kind: kind, statusCode: status, customID: request.customID, requestID: requestID,
            attempts: request.attempt, lastError: request.lastError, startedMilliseconds: startedMilliseconds,
            durationMilliseconds: durationMilliseconds, workerID: worker, backend: backend,
            usage: body?.usage ?? Usage(), body: (body?.bytes ?? [])[...])
    }
}
