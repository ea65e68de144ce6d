// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// A request body came below the minimum rate, or not before its deadline.
struct BodyTooSlow: Error {}

/// Watches how fast a request body comes, because an idle timeout starts anew with every byte that is dripped in.
///
/// Only time in which the server waits for the client counts: while a full buffer keeps the server from reading, the
/// client is not to blame. Too slow a body ends the request's stream with ``BodyTooSlow``.
final class BodyPaceHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let bytesPerSecondMin: Int64
    private let window: TimeAmount
    private let deadline: TimeAmount
    private var bodyStart: NIODeadline?
    private var waitingSince: NIODeadline?
    private var waited = TimeAmount.zero
    private var received: Int64 = 0
    private var nextCheck: Scheduled<Void>?

    /// A handler that demands `bytesPerSecondMin` over each `window` of waiting, and the whole body by `deadline`.
    init(bytesPerSecondMin: Int, window: Duration, deadline: Duration) {
        self.bytesPerSecondMin = Int64(bytesPerSecondMin)
        self.window = TimeAmount(window)
        self.deadline = TimeAmount(deadline)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            bodyStart = .now()
            waitingSince = .now()
            waited = .zero
            received = 0
            scheduleCheck(context)
        case .body(let buffer):
            received += Int64(buffer.readableBytes)
        case .end:
            stop()
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if let since = waitingSince { waited = waited + (.now() - since) }
        waitingSince = nil
        context.fireChannelReadComplete()
    }

    /// The server is ready for more: from now on it waits for the client.
    func read(context: ChannelHandlerContext) {
        if bodyStart != nil, waitingSince == nil { waitingSince = .now() }
        context.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stop()
    }

    private func scheduleCheck(_ context: ChannelHandlerContext) {
        nextCheck?.cancel()
        nextCheck = context.eventLoop.assumeIsolated().scheduleTask(in: window) { self.check(context) }
    }

    private func check(_ context: ChannelHandlerContext) {
        guard let bodyStart else { return }
        let now = NIODeadline.now()
        let waitedInAll = waited + (waitingSince.map { now - $0 } ?? .zero)
        // Seconds are compared as nanoseconds so that a window of less than a second works.
        let isSlow =
            waitedInAll >= window
            && Double(received) * 1e9 < Double(bytesPerSecondMin) * Double(waitedInAll.nanoseconds)
        guard !isSlow, now - bodyStart < deadline else {
            stop()
            context.fireErrorCaught(BodyTooSlow())
            return
        }
        if waitedInAll >= window {
            waited = .zero
            received = 0
            if waitingSince != nil { waitingSince = now }
        }
        scheduleCheck(context)
    }

    private func stop() {
        bodyStart = nil
        waitingSince = nil
        nextCheck?.cancel()
        nextCheck = nil
    }
}
