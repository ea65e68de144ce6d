// SPDX-License-Identifier: Apache-2.0
package import BatchCore
package import Curl
import Glibc

/// Sends lines to backends: the body as the user wrote it, the answer as the backend gave it.
package final class LineCaller: LineCalling {
    private let engine: CurlEngine
    private let worker: WorkerID
    private let names = RequestNames()

    /// Calls over `engine`, in the name of `worker`.
    package init(engine: CurlEngine, worker: WorkerID) {
        self.engine = engine
        self.worker = worker
    }

    /// See ``LineCalling/attempt(_:along:at:)``.
    package func attempt(
        _ request: LineRequest, along route: Route, at place: Reservation
    ) async -> AttemptResult {
        let name = names.next()
        var draft = OutcomeDraft(request: request, worker: worker.rawValue, startedMilliseconds: Self.milliseconds())
        guard let stop = place.stop else {
            return .finished(draft.success(of: TestModel.answer(id: name, unixSeconds: Self.milliseconds() / 1_000)))
        }
        draft.backend = stop.backend.configuration.name
        let started = ContinuousClock.now
        let timeLeft = request.windowEnds - started
        guard timeLeft > .zero else {
            place.leave()
            return .windowOver
        }
        let call = Self.call(request, name, to: stop, timeLeft: timeLeft)
        do {
            let response = try await engine.perform(call)
            place.leave()
            draft.durationMilliseconds = (ContinuousClock.now - started).milliseconds
            return judge(response, request, stop.backend, draft)
        } catch {
            place.leave()
            draft.durationMilliseconds = (ContinuousClock.now - started).milliseconds
            // Cut by the window, not by its own limit: nobody's fault, nothing to record.
            if error.code == .timeoutTotal && timeLeft <= stop.backend.configuration.totalTimeout { return .windowOver }
            return judge(error, request, stop.backend, draft)
        }
    }

    private static func call(
        _ request: LineRequest, _ name: String, to stop: Route.Stop, timeLeft: Duration
    ) -> HTTPRequest {
        let configuration = stop.backend.configuration
        return HTTPRequest(
            method: "POST", url: stop.url,
            headers: HTTPHeaders([("X-Request-Id", name), ("X-Client-Request-Id", name)]),
            prepared: stop.backend.headers, body: request.body,
            timeouts: Timeouts(
                connect: configuration.connectTimeout, firstByte: configuration.firstByteTimeout,
                idle: configuration.idleTimeout, total: min(configuration.totalTimeout, timeLeft)),
            responseBytesMax: configuration.responseBytesMax)
    }

    /// What an answer means.
    private func judge(
        _ response: HTTPResponse, _ request: LineRequest, _ backend: Backend, _ draft: OutcomeDraft
    ) -> AttemptResult {
        var draft = draft
        draft.requestID = response.headers.first("x-request-id") ?? ""
        // An error's body matters only once it is recorded; a success must prove to be whole.
        let body = (200..<300).contains(response.status) ? ResponseBody(response.body) : nil
        switch ReplyClassifier.verdict(status: response.status, isJSON: body?.isJSON ?? false) {
        case .success:
            return .finished(draft.success(of: body ?? ResponseBody(response.body), status: response.status))
        case .requestFault:
            return .finished(draft.failure(response.status, ResponseBody(response.body)))
        case .backendFault:
            let reason = body?.fault.map { "status \(response.status), body is no JSON: \($0)" }
            return again(
                request, backend, retryAfter: response.retryAfter, because: reason ?? "status \(response.status)"
            ) {
                draft.failure(response.status, body ?? ResponseBody(response.body))
            }
        }
    }

    /// What a missing answer means.
    private func judge(
        _ error: CurlError, _ request: LineRequest, _ backend: Backend, _ draft: OutcomeDraft
    ) -> AttemptResult {
        switch ReplyClassifier.fault(error.code) {
        case .aborted:
            return .aborted
        case .final(let code):
            return .finished(draft.failure(code, FaultSentence.of(error.code, backend.configuration)))
        case .again(let code):
            return again(request, backend, retryAfter: nil, because: error.description) {
                draft.failure(code, FaultSentence.of(error.code, backend.configuration))
            }
        }
    }

    /// Another try if attempts and time allow, else the record of this one.
    private func again(
        _ request: LineRequest, _ backend: Backend, retryAfter: RetryAfter?, because reason: String,
        record: () -> Outcome
    ) -> AttemptResult {
        var generator = SystemRandomNumberGenerator()
        guard request.attempt < backend.configuration.attemptsMax,
            let delay = RetryPlan.delay(
                attempt: request.attempt, retryAfter: retryAfter, backoff: backend.backoff,
                timeLeft: request.windowEnds - .now, unixSeconds: Int(Self.milliseconds() / 1_000), using: &generator)
        else { return .finished(record()) }
        return .again(after: delay, because: "\(backend.configuration.name): \(reason)")
    }

    /// The wall clock in milliseconds since 1970: for records only, never for decisions about leases.
    private static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}

extension Duration {
    /// Whole milliseconds.
    fileprivate var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
