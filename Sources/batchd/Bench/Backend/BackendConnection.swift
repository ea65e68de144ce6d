// SPDX-License-Identifier: Apache-2.0
import Glibc

/// One connection of the bench's backend: bytes received, bytes to send, and at most one call at a time.
final class BackendConnection {
    /// A call that has no answer yet.
    struct Call {
        /// Of which line.
        var marker: LineMarker
        /// Microseconds of the monotonic clock.
        var began: Int64
        /// The key that was sent along.
        var caller: String
        /// Whether it will be answered 500.
        var fails: Bool
    }

    /// Its descriptor.
    let socket: Int32
    /// Tells it from others that had, or will have, the same descriptor.
    let generation: UInt64
    /// Received and not yet taken up.
    var input: [UInt8] = []
    /// Written and not yet taken by the kernel.
    var output: [UInt8] = []
    /// The call under way; what was received meanwhile waits behind it.
    var call: Call?
    /// Whether the event queue tells when the kernel takes more.
    var waitsToWrite = false

    /// Takes an accepted descriptor over.
    init(socket: Int32, generation: UInt64) {
        self.socket = socket
        self.generation = generation
    }

    deinit { close(socket) }

    /// Reads what is there into ``input``; false when the peer is gone.
    func receive(_ buffer: UnsafeMutableRawBufferPointer) -> Bool {
        while true {
            let count = recv(socket, buffer.baseAddress, buffer.count, 0)
            if count > 0 {
                input += UnsafeRawBufferPointer(rebasing: buffer[..<count])
                // A short piece was the last one: asking again would cost a call to be told so.
                if count < buffer.count { return true }
                guard input.count <= BackendRequest.bodyBytesMax else { return false }
                continue
            }
            if count == 0 { return false }
            if errno == EINTR { continue }
            return errno == EAGAIN
        }
    }

    /// Writes ``output`` as far as the kernel takes it; false when the peer is gone.
    func send() -> Bool {
        var sent = 0
        while sent < output.count {
            let count = output.withUnsafeBytes { bytes in
                Glibc.send(socket, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
                continue
            }
            if errno == EINTR { continue }
            guard errno == EAGAIN else { return false }
            break
        }
        if sent == output.count {
            output.removeAll(keepingCapacity: true)
        } else {
            output.removeFirst(sent)
        }
        return true
    }

    /// Makes closing it reset the connection, as a machine that dies does.
    func makeAbrupt() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }
}
