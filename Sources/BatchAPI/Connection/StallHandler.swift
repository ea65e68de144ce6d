// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTPTypes

/// Cuts off a client that does not take its response: nothing written to it has left for the time allowed.
///
/// The idle timeout does not see such clients, because it rests while a response is being written.
final class StallHandler: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let timeout: TimeAmount
    private var pendingWrites = 0
    private var lastProgress = NIODeadline.now()
    private var nextCheck: Scheduled<Void>?

    /// A handler that allows `timeout` without progress.
    init(timeout: Duration) {
        self.timeout = TimeAmount(timeout)
    }

    /// Passes the response on and watches how long its bytes take to leave.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let promise = promise ?? context.eventLoop.makePromise()
        if pendingWrites == 0 { lastProgress = .now() }
        pendingWrites += 1
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.pendingWrites -= 1
            self.lastProgress = .now()
        }
        context.write(data, promise: promise)
        if nextCheck == nil { scheduleCheck(context, in: timeout) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        nextCheck?.cancel()
        nextCheck = nil
    }

    private func scheduleCheck(_ context: ChannelHandlerContext, in delay: TimeAmount) {
        nextCheck = context.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.check(context) }
    }

    private func check(_ context: ChannelHandlerContext) {
        nextCheck = nil
        guard pendingWrites > 0, context.channel.isActive else { return }
        let idle = NIODeadline.now() - lastProgress
        if idle >= timeout {
            context.close(promise: nil)
        } else {
            scheduleCheck(context, in: timeout - idle)
        }
    }
}
