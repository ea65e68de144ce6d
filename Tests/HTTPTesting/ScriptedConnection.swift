// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A connection as the script of a `ScriptedServer` sees it. Used by the connection's own thread.
package final class ScriptedConnection: Sendable {
    /// A call on the socket failed, or the peer closed the connection in the middle of a request.
    package struct Failure: Error {
        /// What was being done.
        package let action: String
        /// The system's error number; 0 when the peer closed.
        package let code: CInt
    }

    /// 1 for the server's first connection, and so on.
    package let number: Int
    private let descriptor: Mutex<CInt>
    private let unread = Mutex<[UInt8]>([])

    init(number: Int, descriptor: CInt) {
        self.number = number
        self.descriptor = Mutex(descriptor)
    }

    deinit { close() }

    /// Whether the script closed or reset the connection.
    package var isClosed: Bool { descriptor.withLock { $0 < 0 } }

    /// The address of this machine that the peer connected to; empty once the connection is closed.
    package var localAddress: String { descriptor.withLock { LocalAddress(of: $0)?.text ?? "" } }

    // MARK: Sending

    /// Sends raw bytes.
    package func send(_ bytes: [UInt8]) throws(Failure) {
        let socket = descriptor.withLock { $0 }
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { view in
                Glibc.send(socket, view.baseAddress.map { $0 + sent }, bytes.count - sent, CInt(MSG_NOSIGNAL))
            }
            if count > 0 { sent += count }
            if count < 0, errno != EINTR { throw Failure(action: "send", code: errno) }
        }
    }

    /// Sends text as UTF-8.
    package func send(_ text: String) throws(Failure) { try send(Array(text.utf8)) }

    /// Sends a complete answer with `Content-Length`.
    package func respond(
        _ status: Int = 200, headers: [(String, String)] = [], body: [UInt8] = []
    ) throws(Failure) {
        var head = "HTTP/1.1 \(status) Scripted\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        try send(Array((head + "Content-Length: \(body.count)\r\n\r\n").utf8) + body)
    }

    /// Sends a complete answer with `Content-Length` and a text body.
    package func respond(_ status: Int = 200, headers: [(String, String)] = [], text: String) throws(Failure) {
        try respond(status, headers: headers, body: Array(text.utf8))
    }

    /// Sends one chunk of a chunked body; an empty one ends the body.
    package func sendChunk(_ bytes: [UInt8]) throws(Failure) {
        try send(Array((String(bytes.count, radix: 16) + "\r\n").utf8) + bytes + Array("\r\n".utf8))
    }

    /// Whether the peer takes more bytes, waiting so long for it.
    package func isWritable(milliseconds: Int) -> Bool {
        var waiting = pollfd(fd: descriptor.withLock { $0 }, events: Int16(POLLOUT), revents: 0)
        return poll(&waiting, 1, CInt(milliseconds)) == 1
    }

    // MARK: Receiving

    /// Next bytes, at most `count`; empty when the peer has closed.
    package func receive(_ count: Int = 65_536) throws(Failure) -> [UInt8] {
        let kept = unread.withLock { bytes in
            let taken = Array(bytes.prefix(count))
            bytes.removeFirst(taken.count)
            return taken
        }
        if !kept.isEmpty { return kept }
        let socket = descriptor.withLock { $0 }
        var buffer = [UInt8](repeating: 0, count: count)
        while true {
            let got = recv(socket, &buffer, count, 0)
            if got >= 0 { return Array(buffer[..<got]) }
            if errno != EINTR { throw Failure(action: "receive", code: errno) }
        }
    }

    /// Puts bytes back, to be received next.
    package func unreceive(_ bytes: [UInt8]) { unread.withLock { $0 = bytes + $0 } }

    /// Receives and drops bytes until the peer closes or resets, at most `seconds` without a byte. Returns whether
    /// it did.
    package func waitForClose(seconds: Int = 30) -> Bool {
        let socket = descriptor.withLock { $0 }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var waiting = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            if poll(&waiting, 1, CInt(seconds * 1000)) != 1 { return false }
            if recv(socket, &buffer, buffer.count, 0) <= 0 { return true }
        }
    }

    // MARK: Ending

    /// Closes the connection in good order.
    package func close() {
        let socket = takeDescriptor()
        if socket >= 0 { _ = Glibc.close(socket) }
    }

    /// Ends sending; receiving goes on.
    package func closeWriting() {
        descriptor.withLock { _ = shutdown($0, CInt(SHUT_WR)) }
    }

    /// Breaks the connection: the peer gets RST.
    package func reset() {
        let socket = takeDescriptor()
        guard socket >= 0 else { return }
        var hard = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
        _ = Glibc.close(socket)
    }

    /// Wakes a thread blocked on the connection; for the server's stop.
    func interrupt() {
        descriptor.withLock { if $0 >= 0 { _ = shutdown($0, CInt(SHUT_RDWR)) } }
    }

    private func takeDescriptor() -> CInt {
        descriptor.withLock { socket in
            defer { socket = -1 }
            return socket
        }
    }
}
