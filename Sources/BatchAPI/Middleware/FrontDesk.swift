// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore

/// Serves one request after the other: finds the route, checks the key, calls the handler, renders errors, sends the
/// answer and writes one line of log.
struct FrontDesk: Sendable {
    /// The routes there are.
    let table: RouteTable
    /// Who may use them.
    let keys: KeyRing
    /// Whose signatures count, where requests are signed.
    let accessKeys: AccessKeyRing
    /// Largest body of a signed request, in bytes.
    let signedBytesMax: Int
    /// Where the access log goes.
    let logger: Logger

    /// Serves one request.
    ///
    /// - Throws: when the client is gone or the answer cannot be finished; the connection is then given up.
    func serve(_ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel) async throws {
        let started = ContinuousClock.now
        let requestID = RequestID.random()
        let body = IncomingBody(request, channel: channel)
        var record = AccessRecord(request: request, requestID: requestID)
        var answer: Answer
        do {
            answer = try await self.answer(request, body, channel, &record)
        } catch let gone as ClientGone {
            // Not a status of HTTP's: the log's word for a request that nobody waits for any more.
            record.write(to: logger, status: 499, since: started)
            throw gone
        } catch {
            let (rendered, isInternal) = Self.render(error, request, requestID: requestID)
            if isInternal { record.cause = "\(error)" }
            answer = rendered
        }
        if await !body.settle() { answer.closesConnection = true }
        let elapsed = started.duration(to: .now)
        let head = Self.head(answer, request, requestID: requestID, elapsed: elapsed)
        do {
            try await AnswerWriter.send(answer, head: head, isHead: request.method == .head, writer, channel)
            record.write(to: logger, status: answer.status.code, since: started)
        } catch {
            record.cause = "the answer was cut off: \(error)"
            record.isFault = !(error is ChannelError || error is IOError || error is CancellationError)
            record.write(to: logger, status: answer.status.code, since: started)
            throw error
        }
    }

    private func answer(
        _ request: Request, _ body: IncomingBody, _ channel: any Channel, _ record: inout AccessRecord
    ) async throws -> Answer {
        try Self.checkFraming(request.headers)
        let route: Route
        let identifier: String?
        switch table.match(request.method, path: request.uri.path) {
        case .found(let found, let name): (route, identifier) = (found, name)
        case .otherMethods(let methods): return Self.wrongMethod(request, record, methods)
        case .nothing:
            throw BatchError.notFound(
                "Unknown request URL: \(request.method.rawValue) \(record.path). Is the base URL right? It ends in /v1."
            )
        }
        if let encoding = request.headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw BatchError(
                status: 415, type: "invalid_request_error",
                message: "The request body is compressed (Content-Encoding: \(encoding.prefix(40))); send it as it is.",
                isFinal: true)
        }
        func call() throws -> Call {
            Call(
                requestID: record.requestID, method: request.method, headers: request.headers,
                query: try QueryParameters(request.uri.query), identifier: identifier, body: body)
        }
        switch route.access {
        case .open(let handle): return try await handle(call())
        case .guarded(let handle):
            let project = try await keys.project(for: request.headers)
            record.project = project
            return try await handle(call(), project)
        case .held(let handle):
            let owner = try await keys.owner(for: request.headers)
            record.project = owner.project
            return try await handle(call(), owner, HeldConnection(channel: channel))
        case .signed(let handle):
            let (caller, bytes) = try await accessKeys.admit(
                SignedRequest(request), now: HTTPDate.unixSeconds()
            ) { try await body.collect(upTo: signedBytesMax) }
            record.project = caller.project
            return try await handle(call(), caller, bytes)
        }
    }

    /// The response for an error in the manner of the path, or of the signature that a request has, and whether it must
    /// be logged with its cause.
    private static func render(
        _ error: any Error, _ request: Request, requestID: String
    ) -> (answer: Answer, isInternal: Bool) {
        let isSigned = request.headers[.authorization]?.hasPrefix(SignatureClaim.algorithm) ?? false
        guard isSigned || request.uri.path == ArkRoutes.path else {
            var (visible, isInternal) = ErrorAnswer.visible(error, requestID: requestID)
            if request.uri.path.hasPrefix(LiveRoutes.runtimePrefix) { visible = LiveFault.told(visible) }
            return (ErrorAnswer.answer(visible), isInternal)
        }
        let (fault, isInternal) = ArkFault.visible(error, requestID: requestID)
        // A query that cannot be decoded is no reason to answer without the envelope.
        let query = try? SignedQuery(request.uri.query ?? "")
        return (ArkEnvelope(requestID: requestID, query: query).failure(fault), isInternal)
    }

    /// The parser below takes transfer codings it does not know for a body up to the end of the connection, which a
    /// proxy in front may see differently. (RFC 9112 section 6.1)
    private static func checkFraming(_ headers: HTTPFields) throws {
        let codings = headers[values: .transferEncoding]
        guard codings.isEmpty || (codings.count == 1 && codings[0].lowercased() == "chunked") else {
            throw BatchError.invalid("The only Transfer-Encoding that is understood is: chunked.")
        }
    }

    /// Longest `X-Client-Request-Id` that is repeated, in bytes.
    private static let clientRequestIDBytesMax = 256

    private static func wrongMethod(_ request: Request, _ record: AccessRecord, _ methods: [String]) -> Answer {
        let allowed = methods.joined(separator: ", ")
        let error = BatchError(
            status: 405, type: "invalid_request_error",
            message: "Method \(request.method.rawValue) is not allowed for \(record.path); use \(allowed).",
            isFinal: true)
        var (answer, _) = render(error, request, requestID: record.requestID)
        answer.headers[.allow] = allowed
        return answer
    }

    /// The response head: the answer's headers and those that every response has. (contracts: OpenAI response headers)
    private static func head(
        _ answer: Answer, _ request: Request, requestID: String, elapsed: Duration
    ) -> HTTPResponse {
        var headers = answer.headers
        headers[.contentLength] = answer.length.map { String($0) }
        headers[.date] = HTTPDate.now()
        headers[.xRequestID] = requestID
        // Ark's clients report what they find here. (contracts: Ark runtime response headers)
        if let theirs = request.headers[.clientRequestID], theirs.utf8.count <= clientRequestIDBytesMax {
            headers[.clientRequestID] = theirs
        }
        headers[.openAIVersion] = "2020-10-01"
        headers[.openAIProcessing] = String(elapsed.milliseconds)
        if answer.closesConnection { headers[.connection] = "close" }
        return HTTPResponse(status: answer.status, headerFields: headers)
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
