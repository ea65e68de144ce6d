// SPDX-License-Identifier: Apache-2.0
internal import Curl
internal import Glibc

extension Client {
    /// Largest JSON answer that is accepted: a full page of files or of problems is far below.
    private static let answerBytesMax = 64 << 20

    /// Sends `call` until it succeeds, must not be repeated, or patience ends.
    func send(_ call: Call) async throws(ClientError) -> HTTPResponse {
        let clock = ContinuousClock()
        let began = clock.now
        var attempt = 1
        while true {
            let failure: Failure
            let error: ClientError
            switch await attemptOnce(call) {
            case .success(let response) where response.status < 400:
                return response
            case .success(let response):
                failure = Failure(status: response.status, headers: response.headers, now: time(nil))
                error = self.error(
                    Refusal(status: response.status, headers: response.headers, body: response.body),
                    doing: call.doing)
            case .failure(let broke):
                failure = .broke(broke, isWhole: Self.mayBeWhole(broke, call))
                error = self.error(broke, doing: call.doing)
            }
            let wait = patience.wait(
                after: failure, call.repeatability, attempt: attempt, elapsed: clock.now - began,
                jitter: .random(in: 0...1))
            guard let wait else { throw error }
            try await pause(wait)
            attempt += 1
        }
    }

    /// Sends `call` and decodes its answer.
    func fetch<Value>(_ call: Call, as type: Value.Type) async throws(ClientError) -> Answer<Value> {
        let response = try await send(call)
        do {
            return try Answer(decoding: response.body)
        } catch {
            throw .unintelligible(
                server: address.description, doing: call.doing,
                why: "the answer, HTTP \(response.status), is not the expected JSON")
        }
    }

    /// Waits; a cancelled task ends the wait.
    func pause(_ duration: Duration) async throws(ClientError) {
        do {
            try await sleep(duration)
        } catch {
            throw .cancelled
        }
    }

    /// The error for an answer that says no.
    func error(_ refusal: Refusal, doing: String) -> ClientError {
        refusal.status >= 500
            ? .serverFault(refusal, server: address.description, doing: doing) : .refused(refusal, doing: doing)
    }

    /// The error for a transfer without an answer.
    func error(_ error: CurlError, doing: String) -> ClientError {
        switch error.code {
        case .couldNotConnect:
            .unreachable(server: address.description, why: nil)
        case .couldNotResolve:
            .unreachable(server: address.description, why: "the host name has no address")
        case .timeoutConnect:
            .unreachable(server: address.description, why: "no connection in time")
        case .connectionLost, .timeoutFirstByte, .timeoutIdle, .timeoutTotal, .tls, .queueFull, .addressRefused,
            .other:
            .interrupted(server: address.description, doing: doing, why: error.message)
        case .protocolError, .responseTooLarge:
            .unintelligible(server: address.description, doing: doing, why: error.message)
        case .bodyUnreadable:
            .localFile("\(doing): \(error.message)")
        case .badURL, .badRequest:
            .unsendable("\(doing): \(error.message)")
        case .cancelled, .shutdown:
            .cancelled
        }
    }

    /// The fields of every call.
    func headers(_ more: [(String, String)]) -> HTTPHeaders {
        var fields = more
        if let apiKey { fields.append(("Authorization", "Bearer \(apiKey)")) }
        return HTTPHeaders(fields)
    }

    private func attemptOnce(_ call: Call) async -> Result<HTTPResponse, CurlError> {
        var fields = [("Accept", "application/json")] + call.headers
        var request = HTTPRequest(
            method: call.method, url: address.url(call.path, query: call.query), timeouts: call.timeouts,
            responseBytesMax: Self.answerBytesMax)
        do throws(CurlError) {
            switch call.body {
            case .none:
                request.headers = headers(fields)
                if call.method == "POST" { request.body = SharedBytes([]) }
                return .success(try await engine.perform(request))
            case .json(let bytes):
                fields.append(("Content-Type", "application/json"))
                request.headers = headers(fields)
                request.body = SharedBytes(bytes)
                return .success(try await engine.perform(request))
            case .stream(let body, let contentType, let progress):
                fields.append(("Content-Type", contentType))
                request.headers = headers(fields)
                return .success(try await engine.upload(request, body: body, progress: progress))
            }
        } catch {
            return .failure(error)
        }
    }

    /// Whether the server may have received all of the request, so that it may have acted on it.
    private static func mayBeWhole(_ error: CurlError, _ call: Call) -> Bool {
        guard error.mayHaveReachedServer else { return false }
        switch call.body {
        case .none, .json: return true
        case .stream(let body, _, _): return error.bytesSent >= body.count
        }
    }
}
