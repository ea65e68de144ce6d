// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOHTTPTypes

/// Somebody wants to know when the client goes; sent down the pipeline as an outbound user event.
enum HangUpWatch: Sendable {
    /// Call this when the client has gone, at once when it has already.
    case begin(@Sendable () -> Void)
    /// Nobody wants to know any more.
    case end
}

/// Notices that a client has gone while its request waits for an answer.
///
/// Nothing is read from such a connection by the code that serves it, and a client that waits sends nothing either. A
/// close, a reset and the end of the client's sending side all count as gone: who has closed that side cannot send
/// another request, and the kernel does not tell it from a close. Clients whose machine or network has vanished without
/// a word are found by TCP's keep-alive. (contracts: Ark runtime retry behaviour)
final class HangUpHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private var watcher: (@Sendable () -> Void)?
    private var isGone = false
    private var isKeptAlive = false

    /// Takes and drops the watcher; other events pass.
    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let watch = event as? HangUpWatch else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        switch watch {
        case .begin(let tell):
            keepAlive(context)
            if isGone { tell() } else { watcher = tell }
        case .end: watcher = nil
        }
        promise?.succeed()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { leave() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
    }

    private func leave() {
        isGone = true
        let tell = watcher
        watcher = nil
        tell?()
    }

    /// Makes the kernel ask a silent client whether it is still there: after a minute of silence, then every 15 s; the
    /// fifth question without an answer ends the connection. What cannot be set stays as the system has it.
    private func keepAlive(_ context: ChannelHandlerContext) {
        guard !isKeptAlive, let options = context.channel.syncOptions else { return }
        isKeptAlive = true
        try? options.setOption(.socketOption(.so_keepalive), value: 1)
        for (name, value) in [(TCP_KEEPIDLE, 60), (TCP_KEEPINTVL, 15), (TCP_KEEPCNT, 5)] {
            try? options.setOption(.tcpOption(.init(rawValue: name)), value: .init(value))
        }
    }
}
