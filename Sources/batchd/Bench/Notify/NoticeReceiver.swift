// SPDX-License-Identifier: Apache-2.0
import CEpoll
import Foundation
import Glibc
import Synchronization

/// A receiver of notices on a thread of its own, which does with each what it is told to.
///
/// One thread serves any number of connections, so that a thousand receivers that never answer cost nothing.
final class NoticeReceiver: Sendable {
    /// Decides about a notice; called on the receiver's thread as soon as the notice is there.
    typealias Judge = @Sendable (NoticeRequest) -> NoticeReply

    /// The port it listens on.
    let port: UInt16
    private let isStopped = Atomic<Bool>(false)

    /// Starts one on loopback.
    ///
    /// - Parameter afterReply: called on the receiver's thread when the reply was handed to the kernel.
    init(judge: @escaping Judge, afterReply: @escaping @Sendable (NoticeRequest, NoticeReply) -> Void) throws {
        let loop = try NoticeLoop(judge: judge, afterReply: afterReply)
        port = loop.port
        // The loop belongs to that thread from here on.
        nonisolated(unsafe) let owned = loop
        Thread.detachNewThread { [self] in
            while !isStopped.load(ordering: .acquiring) { owned.turn() }
        }
    }

    /// Ends it within a moment; connections are closed.
    func stop() { isStopped.store(true, ordering: .releasing) }

    /// The URL of the receiver called `name`.
    func url(_ name: String) -> String { "http://127.0.0.1:\(port)/\(name)" }
}

/// The connections of a receiver and the events of their sockets; used by one thread.
private final class NoticeLoop {
    private let judge: NoticeReceiver.Judge
    private let afterReply: @Sendable (NoticeRequest, NoticeReply) -> Void
    private let queue: Int32
    private let listener: Int32
    private var connections: [Int32: BackendConnection] = [:]
    /// Connections that get a byte of a good answer every second: how many they have, and when the next is due.
    private var drips: [Int32: (sent: Int, due: Int64)] = [:]
    private var generations: UInt64 = 0
    private var events = [epoll_event](repeating: epoll_event(), count: 512)
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

    /// How long a turn waits for something to happen, in milliseconds.
    private static let turnMilliseconds: Int32 = 50
    private static let second: Int64 = 1_000_000

    init(
        judge: @escaping NoticeReceiver.Judge, afterReply: @escaping @Sendable (NoticeRequest, NoticeReply) -> Void
    ) throws {
        self.judge = judge
        self.afterReply = afterReply
        queue = epoll_create1(cepoll_cloexec)
        listener = try LoopbackPort.bound()
        guard queue >= 0, listen(listener, 4_096) == 0 else { throw LoopbackPort.fault("listen") }
        LoopbackPort.prepare(listener)
        watch(listener)
    }

    deinit {
        for descriptor in [queue, listener] where descriptor >= 0 { close(descriptor) }
        buffer.deallocate()
    }

    var port: UInt16 { LoopbackPort.number(of: listener) }

    /// Serves what has happened since the last turn, or waits a moment for it.
    func turn() {
        let count = epoll_wait(queue, &events, Int32(events.count), Self.turnMilliseconds)
        for event in events[..<max(Int(count), 0)] {
            if event.data.fd == listener {
                accept()
            } else if let connection = connections[event.data.fd] {
                if event.events & cepoll_in != 0, connection.receive(buffer) {
                    serve(connection)
                } else {
                    forget(connection)
                }
            }
        }
        drip()
    }

    private func accept() {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            LoopbackPort.prepare(descriptor)
            generations += 1
            connections[descriptor] = BackendConnection(socket: descriptor, generation: generations)
            watch(descriptor)
        }
    }

    private func serve(_ connection: BackendConnection) {
        while !connection.input.isEmpty {
            let reading = connection.input.withUnsafeBytes { bytes -> (NoticeRequest, Int)? in
                guard case .whole(let request) = BackendRequest.read(bytes) else { return nil }
                let notice = NoticeRequest(
                    request, bytes, senderPort: LoopbackPort.peer(of: connection.socket), at: WallClock.now())
                return (notice, request.body.upperBound)
            }
            guard let (notice, length) = reading else { return }
            connection.input.removeFirst(length)
            let reply = judge(notice)
            carryOut(reply, on: connection)
            afterReply(notice, reply)
            guard connections[connection.socket] === connection else { return }
        }
    }

    private func carryOut(_ reply: NoticeReply, on connection: BackendConnection) {
        connection.output += reply.answer
        // Answers are shorter than what a socket takes at once.
        guard connection.send() else { return forget(connection) }
        switch reply {
        case .dies:
            connection.makeAbrupt()
            forget(connection)
        case .babbles: forget(connection)
        case .drips: drips[connection.socket] = (0, WallClock.now())
        default: break
        }
    }

    private func drip() {
        guard !drips.isEmpty else { return }
        let now = WallClock.now()
        for (socket, state) in drips where state.due <= now {
            guard let connection = connections[socket], state.sent < NoticeReply.good.count else {
                drips[socket] = nil
                continue
            }
            connection.output.append(NoticeReply.good[state.sent])
            drips[socket] = (state.sent + 1, now + Self.second)
            if !connection.send() { forget(connection) }
        }
    }

    private func forget(_ connection: BackendConnection) {
        drips[connection.socket] = nil
        // The kernel takes a descriptor out of the queue when it is closed, which the last reference does.
        connections[connection.socket] = nil
    }

    private func watch(_ descriptor: Int32) {
        var event = epoll_event()
        event.events = cepoll_in
        event.data.fd = descriptor
        epoll_ctl(queue, EPOLL_CTL_ADD, descriptor, &event)
    }
}
