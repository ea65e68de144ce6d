// SPDX-License-Identifier: Apache-2.0
import CEpoll
import CLibcurl

/// The sockets of an engine under the kernel's watch, and the bell by which other threads wake it. Costs a transfer the
/// same however many others are waiting. Belongs to the engine's thread, `ring()` excepted.
final class SocketPoller: @unchecked Sendable {
    /// Most events taken in at once; more stay with the kernel.
    private static let eventsMax = 512

    private let queue: CInt
    private let bell: CInt
    private var events: [epoll_event]

    /// Watches nothing yet; nil when the process may open no more files.
    init?() {
        let queue = epoll_create1(cepoll_cloexec)
        let bell = eventfd(0, cepoll_counter_flags)
        var event = epoll_event(events: cepoll_in, data: epoll_data_t(fd: bell))
        guard queue >= 0, bell >= 0, epoll_ctl(queue, EPOLL_CTL_ADD, bell, &event) == 0 else {
            if queue >= 0 { close(queue) }
            if bell >= 0 { close(bell) }
            return nil
        }
        self.queue = queue
        self.bell = bell
        events = Array(repeating: epoll_event(), count: Self.eventsMax)
    }

    deinit {
        close(queue)
        close(bell)
    }

    /// Ends a wait under way, or the next one. From any thread.
    func ring() {
        var one: UInt64 = 1
        // Fails only when the counter is full: then it has been rung.
        _ = write(bell, &one, MemoryLayout<UInt64>.size)
    }

    /// Watches a socket for what libcurl names (`CURL_POLL_IN`, …), or no more (`CURL_POLL_REMOVE`).
    func watch(_ socket: curl_socket_t, for what: CInt) {
        var event = epoll_event(events: 0, data: epoll_data_t(fd: socket))
        switch what {
        case CURL_POLL_IN: event.events = cepoll_in
        case CURL_POLL_OUT: event.events = cepoll_out
        case CURL_POLL_INOUT: event.events = cepoll_in | cepoll_out
        default:
            // A socket that was closed already has left by itself.
            epoll_ctl(queue, EPOLL_CTL_DEL, socket, &event)
            return
        }
        if epoll_ctl(queue, EPOLL_CTL_ADD, socket, &event) != 0 { epoll_ctl(queue, EPOLL_CTL_MOD, socket, &event) }
    }

    /// Waits at most so long and hands each ready socket to `body`, with libcurl's bits for what it is ready for.
    func wait(milliseconds: CInt, _ body: (curl_socket_t, CInt) -> Void) {
        let count = epoll_wait(queue, &events, CInt(Self.eventsMax), milliseconds)
        guard count > 0 else { return }
        for index in 0..<Int(count) {
            let event = events[index]
            guard event.data.fd != bell else {
                var rung: UInt64 = 0
                _ = read(bell, &rung, MemoryLayout<UInt64>.size)
                continue
            }
            var bits: CInt = 0
            if event.events & cepoll_in != 0 { bits |= CURL_CSELECT_IN }
            if event.events & cepoll_out != 0 { bits |= CURL_CSELECT_OUT }
            if event.events & cepoll_gone != 0 { bits |= CURL_CSELECT_ERR }
            body(event.data.fd, bits)
        }
    }
}
