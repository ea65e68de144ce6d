// SPDX-License-Identifier: Apache-2.0

import BatchCore
import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Gives requests that are no valid HTTP the same JSON error body as all others.
///
/// The server below answers what it cannot parse with an empty 400. That answer is recognised here because it belongs
/// to no request, and is replaced. (contracts: OpenAI error body: SDKs show nothing of an error that is not JSON)
final class ProtocolFaultHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let headerBytesMax: Int
    private let logger: Logger
    private var requestsInProgress = 0
    private var fault: HTTPParserError?

    /// A handler that names `headerBytesMax` to clients that sent more.
    init(headerBytesMax: Int, logger: Logger) {
        self.headerBytesMax = headerBytesMax
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head = unwrapInboundIn(data) { requestsInProgress += 1 }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fault = error as? HTTPParserError
        // A head that parses but cannot be represented would otherwise close the connection without a word.
        let isUnusable = error is HTTP1TypeConversionError
        context.fireErrorCaught(isUnusable ? HTTPParserError.invalidMethod : error)
    }

    /// Passes responses on, but replaces one that answers no request.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head) where requestsInProgress == 0 && head.status == .badRequest:
            answer(context, promise)
        case .end:
            requestsInProgress -= 1
            context.write(data, promise: promise)
        default:
            context.write(data, promise: promise)
        }
    }

    private func answer(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        let requestID = RequestID.random()
        let isOverflow = fault == .headerOverflow
        let error = BatchError(
            status: isOverflow ? 431 : 400, type: "invalid_request_error",
            message: isOverflow
                ? "The headers of the request are larger than \(headerBytesMax) bytes in all."
                : "The request is not valid HTTP/1.1 (\(fault.map(String.init(describing:)) ?? "unusable head")).",
            isFinal: true)
        let answer = ErrorAnswer.answer(error)
        var head = HTTPResponse(status: answer.status, headerFields: answer.headers)
        head.headerFields[.contentLength] = answer.length.map { String($0) }
        head.headerFields[.connection] = "close"
        head.headerFields[.date] = HTTPDate.now()
        head.headerFields[.xRequestID] = requestID
        logger.info(
            "refused a request that is not valid HTTP",
            metadata: ["request_id": "\(requestID)", "status": "\(error.status)"])
        context.write(wrapOutboundOut(.head(head)), promise: promise)
        if case .bytes(let bytes) = answer.body {
            context.write(wrapOutboundOut(.body(ByteBuffer(bytes: bytes))), promise: nil)
        }
    }
}
