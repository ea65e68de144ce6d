// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Curl
import Loops

/// Decides what the end of one call means: for its line, and for what is known of the backend.
struct ReplyJudge: Sendable {
    /// The line.
    let request: LineRequest
    /// Where it was called; given up here.
    let place: Reservation
    /// Who was called.
    let backend: Backend
    /// What is known of the attempt.
    let draft: OutcomeDraft
    /// When the call was made.
    let started: ContinuousClock.Instant
    /// What was left of the window then.
    let timeLeft: Duration
    /// Finds the result in a successful answer.
    let reader: AnswerReader

    /// Gives the place up and says how the line goes on. Runs on an engine's thread.
    func judge(_ reply: Result<HTTPResponse, CurlError>) -> AttemptResult {
        let now = ContinuousClock.now
        var draft = draft
        draft.durationMilliseconds = (now - started).milliseconds
        switch reply {
        case .success(let response): return judge(response, draft, at: now)
        case .failure(let error): return judge(error, draft, at: now)
        }
    }

    /// What an answer means.
    private func judge(
        _ response: HTTPResponse, _ draft: OutcomeDraft, at now: ContinuousClock.Instant
    ) -> AttemptResult {
        var draft = draft
        draft.requestID = response.headers.first("x-request-id") ?? ""
        // An error's body matters only once it is recorded; a success must prove to be whole.
        let reading = (200..<300).contains(response.status) ? reader.read(response) : nil
        let status = reading?.status ?? response.status
        switch ReplyClassifier.verdict(status: status, isUsable: reading?.fault == nil) {
        case .success:
            let outcome = draft.success(of: reading?.body ?? ResponseBody(response.body), status: status)
            place.end(.answered(latency: now - started, tokens: Int(outcome.usage.totalTokens)), at: now)
            return .finished(outcome)
        case .requestFault:
            place.end(.answered(latency: now - started, tokens: 0), at: now)
            return .finished(draft.failure(status, reading?.body ?? ResponseBody(response.body)))
        case .backendFault:
            let isRefusal = ReplyClassifier.isRefusal(status: status)
            let wait = response.retryAfter.map { RetryPlan.wait($0, unixSeconds: Int(WallClock.milliseconds / 1_000)) }
            place.end(isRefusal ? .overloaded(retryAfter: wait) : .faulty, isRepeat: hasFailedBefore, at: now)
            let reason = reading?.fault.map { "status \(status), \($0)" }
            return again(
                retryAfter: wait, because: reason ?? "status \(status)", isLinesFault: !isRefusal, at: now
            ) {
                draft.failure(status, reading?.body ?? ResponseBody(response.body))
            }
        }
    }

    /// What a missing answer means.
    private func judge(_ error: CurlError, _ draft: OutcomeDraft, at now: ContinuousClock.Instant) -> AttemptResult {
        // Cut by the window, not by its own limit: nobody's fault, nothing to record.
        if error.code == .timeoutTotal && timeLeft <= backend.configuration.totalTimeout {
            place.end(.aborted, at: now)
            return .windowOver
        }
        let neverArrived = error.phase == .connecting && !error.mayHaveReachedServer
        place.end(
            ReplyClassifier.report(error.code), isRepeat: hasFailedBefore && !neverArrived, at: now)
        switch ReplyClassifier.fault(error.code) {
        case .aborted:
            // An engine that has stopped refuses at once: another try must not follow as fast.
            guard error.code == .shutdown else { return .aborted }
            return .again(RetryOrder(after: .seconds(1), because: error.description, isCounted: false))
        case .final(let code):
            return .finished(draft.failure(code, FaultSentence.of(error.code, backend.configuration)))
        case .again(let code):
            return again(retryAfter: nil, because: error.description, isLinesFault: !neverArrived, at: now) {
                draft.failure(code, FaultSentence.of(error.code, backend.configuration))
            }
        }
    }

    /// Whether the line had a part in an earlier failure.
    private var hasFailedBefore: Bool { request.attempt - request.uncounted > 1 }

    /// Another try if attempts and time allow, else the record of this one.
    ///
    /// - Parameter isLinesFault: whether the line may have had a part in it. A refusal, or a backend that cannot be
    ///   reached, uses up no attempt while the backend's `outagePatience` lasts.
    private func again(
        retryAfter: Duration?, because reason: String, isLinesFault: Bool, at now: ContinuousClock.Instant,
        record: () -> Outcome
    ) -> AttemptResult {
        let isPatient = (backend.failingFor(at: now) ?? .zero) < backend.configuration.outagePatience
        let isCounted = isLinesFault || !isPatient
        let counted = request.attempt - request.uncounted
        guard !isCounted || counted < backend.configuration.attemptsMax else { return .finished(record()) }
        var generator = SystemRandomNumberGenerator()
        let wait = retryAfter ?? backend.backoff.delay(attempt: request.attempt, using: &generator)
        let delay = backend.retryDelay(wait, at: now)
        // A try that would begin after the window is none: the line is recorded with what is known.
        guard delay < request.windowEnds - now else { return .finished(record()) }
        return .again(
            RetryOrder(
                after: delay, because: "\(backend.configuration.name): \(reason)", isCounted: isCounted,
                stop: place.stopIndex))
    }
}

extension Duration {
    /// Whole milliseconds.
    fileprivate var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
