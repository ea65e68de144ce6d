// SPDX-License-Identifier: Apache-2.0

internal import Crypto
package import Curl
internal import Dispatch
internal import Synchronization

/// Talks to one bucket of a store that speaks S3. Every request may be sent several times; all of them can bear it.
///
/// Errors are ``S3Error``, or `CancellationError` when the task was cancelled.
package final class S3Client: Sendable {
    /// What it was made with.
    package let configuration: S3Configuration
    private let engine: CurlEngine
    private let signer: S3Signer
    /// The store's time.
    let clock: StoreClock

    /// Sends through `engine`, which the caller shuts down.
    package init(_ configuration: S3Configuration, engine: CurlEngine, clock: StoreClock = StoreClock()) {
        self.configuration = configuration
        self.engine = engine
        self.clock = clock
        signer = S3Signer(credentials: configuration.credentials, region: configuration.endpoint.region)
    }

    /// A request to the bucket before it is signed.
    struct Call: Sendable {
        /// Method in capitals.
        var method: String
        /// What is being done, for errors; follows "cannot".
        var operation: String
        /// Key, unencoded; empty for the bucket itself.
        var key: String
        /// Query, unencoded.
        var query: [(name: String, value: String)] = []
        /// Fields besides those of the signature.
        var headers: [(name: String, value: String)] = []
        /// Body; nil for none.
        var body: SharedBytes?
        /// Largest answer.
        var answerBytesMax = 8 << 20
    }

    /// The object in errors.
    func place(_ key: String) -> String { "s3://\(configuration.bucket)/\(key)" }

    /// Sends until it succeeds or no further try helps; the answer has a status 2xx and may be refused by `check`.
    func send(_ call: Call, check: (HTTPResponse) throws -> Void = { _ in }) async throws -> HTTPResponse {
        try await configuration.retries.run { [self] in
            let response = try await exchange(call) { (request) throws(CurlError) in
                try await engine.perform(request)
            }
            guard (200...299).contains(response.status) else {
                throw refusal(call, response.status, response.headers, response.body)
            }
            try check(response)
            return response
        }
    }

    /// As ``send(_:)``, but returns when the head of the answer is there.
    func open(_ call: Call) async throws -> HTTPDownload {
        try await configuration.retries.run { [self] in
            let download = try await exchange(call) { (request) throws(CurlError) in
                var request = request
                request.responseBytesMax = .max
                request.timeouts.total = nil
                return try await engine.download(request)
            }
            guard (200...299).contains(download.status) else {
                throw refusal(call, download.status, download.headers, await S3Answer.explanation(in: download))
            }
            return download
        }
    }

    /// Sends once and waits on the calling thread; never on the engine's.
    func exchangeNow(_ call: Call) -> Result<HTTPResponse, CurlError> {
        let arrived = DispatchSemaphore(value: 0)
        let answer = Mutex<Result<HTTPResponse, CurlError>?>(nil)
        var request = signed(call)
        request.timeouts.total = Self.lookUpMax
        _ = engine.start(request) { result in
            answer.withLock { $0 = result }
            arrived.signal()
        }
        arrived.wait()
        return answer.withLock { $0 } ?? .failure(CurlError(.cancelled, "no answer came"))
    }

    /// Longest a thread waits for one answer.
    private static let lookUpMax = Duration.seconds(10)

    /// A URL that lets whoever has it read or write one object for a while.
    ///
    /// - Parameters:
    ///   - method: `GET`, `HEAD` or `PUT`.
    ///   - seconds: its life, 1…604,800.
    package func presignedURL(_ method: String, _ key: String, validFor seconds: Int) -> String {
        let request = unsigned(Call(method: method, operation: "presign", key: key))
        let query = signer.presignedQuery(for: request, validFor: seconds, unixSeconds: clock.unixSeconds)
        return configuration.endpoint.scheme + request.host + request.path + query
    }

    /// An error about a call.
    func fault(_ call: Call, _ reason: S3Error.Reason) -> S3Error {
        S3Error(reason, operation: call.operation, place: place(call.key))
    }

    /// The refusal in an answer.
    func refusal(_ call: Call, _ status: Int, _ headers: HTTPHeaders, _ body: [UInt8]) -> S3Error {
        S3Error(
            S3Answer.refusal(status: status, headers, body), operation: call.operation, place: place(call.key),
            requestID: S3Answer.requestID(headers),
            retryAfter: S3Answer.retryAfter(headers, now: clock.unixSeconds))
    }

    /// Signs and sends once; once more when the answer shows that our clock was wrong.
    private func exchange<Answer: StoreAnswer>(
        _ call: Call, _ transfer: (HTTPRequest) async throws(CurlError) -> Answer
    ) async throws -> Answer {
        do {
            let answer = try await transfer(signed(call))
            // A skewed clock shows in many codes, and in HEAD in none: the times tell.
            guard answer.status == 403, let time = S3Answer.time(answer.headers), clock.correct(serverTime: time)
            else { return answer }
            return try await transfer(signed(call))
        } catch {
            throw fault(call, .network(error))
        }
    }

    private func unsigned(_ call: Call) -> S3Signer.Request {
        S3Signer.Request(
            method: call.method, host: configuration.endpoint.host(bucket: configuration.bucket),
            path: configuration.endpoint.path(bucket: configuration.bucket, key: call.key), query: call.query,
            headers: call.headers)
    }

    private func signed(_ call: Call) -> HTTPRequest {
        let request = unsigned(call)
        let headers = signer.headers(for: request, payload: payload(call.body), unixSeconds: clock.unixSeconds)
        return HTTPRequest(
            method: call.method,
            url: configuration.endpoint.scheme + request.host + request.path + request.encodedQuery,
            headers: HTTPHeaders(headers.map { ($0.name, $0.value) }), body: call.body,
            timeouts: configuration.timeouts, responseBytesMax: call.answerBytesMax,
            addressRule: configuration.addressRule)
    }

    /// TLS and the signed MD5 protect a body over https; hashing it once more would cost more than sending it.
    private func payload(_ body: SharedBytes?) -> S3Signer.Payload {
        guard let body else { return .empty }
        guard !configuration.endpoint.isSecure else { return .unsigned }
        return body.withUnsafeBytes { .sha256(Array(SHA256.hash(data: $0))) }
    }
}

/// What both kinds of answers have.
protocol StoreAnswer {
    /// Status code.
    var status: Int { get }
    /// Fields.
    var headers: HTTPHeaders { get }
}

extension HTTPResponse: StoreAnswer {}
extension HTTPDownload: StoreAnswer {}
