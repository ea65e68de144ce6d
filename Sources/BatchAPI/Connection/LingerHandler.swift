// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Ends a connection after a response that says `Connection: close`, in a way that lets the client read it.
///
/// A client that is still sending its body would lose the response if the socket were closed at once: the kernel
/// answers bytes that nobody reads with a reset. So only the sending side is closed; what still comes is dropped until
/// the client closes, or a time or a number of bytes is used up. (RFC 9112 section 9.6)
final class LingerHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let timeout: TimeAmount
    private let bytesMax: Int
    private var isLastResponse = false
    private var isLingering = false
    private var dropped = 0
    private var end: Scheduled<Void>?

    /// A handler that lingers for `timeout` and `bytesMax` at most.
    init(timeout: Duration, bytesMax: Int) {
        self.timeout = TimeAmount(timeout)
        self.bytesMax = bytesMax
    }

    /// Passes the response on and notices when it is the last one.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            if head.headerFields[.connection]?.lowercased() == "close" { isLastResponse = true }
            context.write(data, promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            guard isLastResponse, !isLingering else { return context.write(data, promise: promise) }
            linger(context, data, promise ?? context.eventLoop.makePromise())
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isLingering else { return context.fireChannelRead(data) }
        guard case .body(let buffer) = unwrapInboundIn(data) else { return context.close(promise: nil) }
        dropped += buffer.readableBytes
        if dropped > bytesMax { context.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isLingering, event as? ChannelEvent == .inputClosed { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard isLingering else { return context.fireErrorCaught(error) }
        context.close(promise: nil)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end?.cancel()
        end = nil
    }

    private func linger(_ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>) {
        isLingering = true
        promise.futureResult.assumeIsolated().whenComplete { _ in
            context.close(mode: .output, promise: nil)
        }
        context.writeAndFlush(data, promise: promise)
        end = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { context.close(promise: nil) }
    }
}
