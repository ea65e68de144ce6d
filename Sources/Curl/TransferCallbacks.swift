// SPDX-License-Identifier: Apache-2.0
import CLibcurl

/// The functions libcurl calls while a transfer runs, all on the engine thread; the context is the `TransferSlot`.
enum TransferCallbacks {
    /// Bytes of the answer's body.
    static let body: curl_write_callback = { bytes, size, count, context in
        guard let context, let bytes else { return 0 }
        let view = UnsafeRawBufferPointer(start: bytes, count: size * count)
        return TransferCallbacks.slot(context).receive(body: view)
    }

    /// One line of the answer's header.
    static let header: curl_write_callback = { bytes, size, count, context in
        guard let context, let bytes else { return 0 }
        let view = UnsafeRawBufferPointer(start: bytes, count: size * count)
        return TransferCallbacks.slot(context).receive(headerLine: view)
    }

    /// Room for bytes of the request's body.
    static let read: curl_read_callback = { buffer, size, count, context in
        guard let context, let buffer else { return Int(CURL_READFUNC_ABORT) }
        let room = UnsafeMutableRawBufferPointer(start: buffer, count: size * count)
        return TransferCallbacks.slot(context).supply(room)
    }

    /// The request's body must be sent again from `offset`.
    static let seek: curl_seek_callback = { context, offset, origin in
        guard let context, origin == SEEK_SET, let upload = TransferCallbacks.slot(context).transfer?.upload,
            upload.seek(to: Int64(offset))
        else { return CURL_SEEKFUNC_FAIL }
        return CURL_SEEKFUNC_OK
    }

    /// A socket is needed for this address.
    static let openSocket: curl_opensocket_callback = { context, _, address in
        guard let context, let address else { return CURL_SOCKET_BAD }
        let slot = TransferCallbacks.slot(context)
        guard slot.mayDial(UnsafePointer(address)) else { return CURL_SOCKET_BAD }
        let socket = shardline_open_socket(address)
        if socket != CURL_SOCKET_BAD { slot.openedSockets.append(socket) }
        return socket
    }

    /// A socket is no longer needed; the context is the `ConnectionRegistry`, since connections outlive transfers.
    static let closeSocket: curl_closesocket_callback = { context, socket in
        guard let context else { return shardline_close(socket) }
        return Unmanaged<ConnectionRegistry>.fromOpaque(context).takeUnretainedValue().close(socket)
    }

    /// A connection is ready, new or reused, and nothing of this request was sent on it.
    static let connected: curl_prereq_callback = { context, remoteAddress, localAddress, remotePort, localPort in
        if let context {
            let key = ConnectionRegistry.key(
                localAddress: localAddress, localPort: localPort, remoteAddress: remoteAddress, remotePort: remotePort)
            TransferCallbacks.slot(context).connectionIsReady(key, localPort: localPort)
        }
        return CURL_PREREQFUNC_OK
    }

    private static func slot(_ context: UnsafeMutableRawPointer) -> TransferSlot {
        Unmanaged<TransferSlot>.fromOpaque(context).takeUnretainedValue()
    }
}

extension TransferSlot {
    /// Takes body bytes. Returns how many were taken, libcurl's code for "pause", or 0 to stop.
    fileprivate func receive(body bytes: UnsafeRawBufferPointer) -> Int {
        guard let transfer else { return 0 }
        let room = transfer.request.responseBytesMax - bodyBytesReceived
        guard bytes.count <= room else {
            if keepsAnswer { body.append(contentsOf: bytes.prefix(max(room, 0))) }
            failure = (.responseTooLarge, "answer exceeds \(transfer.request.responseBytesMax) bytes")
            return 0
        }
        if let channel = transfer.channel {
            guard channel.offer(bytes) else {
                transfer.clock.pause()
                return Int(CURL_WRITEFUNC_PAUSE)
            }
        } else {
            if bodyBytesReceived == 0, !reserveBody(atLeast: bytes.count) { return 0 }
            body.append(contentsOf: bytes)
        }
        bodyBytesReceived += bytes.count
        transfer.clock.received(at: loop.now)
        return bytes.count
    }

    /// Makes room for the announced length, up to 8 MiB: a larger body must prove itself by arriving.
    private func reserveBody(atLeast count: Int) -> Bool {
        let limit = transfer?.request.responseBytesMax ?? 0
        let announced = Int(shardline_easy_get_offset(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, -1))
        if announced > limit && !keepsAnswer {
            failure = (.responseTooLarge, "answer announces \(announced) bytes, above the limit of \(limit)")
            return false
        }
        body.reserveCapacity(max(min(announced, limit, 8 << 20), count))
        return true
    }

    /// Takes a header line. Returns how many bytes were taken, or 0 to stop.
    fileprivate func receive(headerLine line: UnsafeRawBufferPointer) -> Int {
        guard let transfer, let first = line.first else { return 0 }
        headerBytesReceived += line.count
        guard headerBytesReceived <= loop.configuration.responseHeaderBytesMax else {
            failure = (
                .responseTooLarge, "header of the answer exceeds \(loop.configuration.responseHeaderBytesMax) bytes"
            )
            return 0
        }
        let isFirst = status == 0
        transfer.clock.received(at: loop.now)
        if isFirst { loop.watch(transfer) }
        if line.starts(with: "HTTP/".utf8) {
            headerBlock.removeAll(keepingCapacity: true)
            headerBlock.reserveCapacity(512)
            isHeadComplete = false
            status = Self.status(of: line)
        } else if isHeadComplete {
            // A trailer field after a chunked body.
            return line.count
        } else if first == 0x20 || first == 0x09 {
            joinFoldedLine()
        }
        headerBlock.append(contentsOf: line)
        if (first == 0x0D || first == 0x0A) && status >= 200 { completeHead() }
        return line.count
    }

    /// Turns the line end before a folded line (RFC 9112 §5.2) into a blank.
    private func joinFoldedLine() {
        while let last = headerBlock.last, last == 0x0A || last == 0x0D { headerBlock.removeLast() }
    }

    /// The three digits after the version.
    private static func status(of line: UnsafeRawBufferPointer) -> Int {
        guard let blank = line.firstIndex(of: 0x20) else { return 0 }
        return line[(blank + 1)...].prefix(3).reduce(0) { value, byte in
            byte >= 0x30 && byte <= 0x39 ? value * 10 + Int(byte - 0x30) : value
        }
    }

    private func completeHead() {
        isHeadComplete = true
        guard let transfer, transfer.channel != nil else { return }
        let isRedirected =
            transfer.request.mayFollowRedirects && (300..<400).contains(status)
            && HTTPHeaders(block: headerBlock).first("Location") != nil
        if !isRedirected { transfer.answer(.success(response())) }
    }

    /// Fills `room` with body bytes. Returns how many, 0 at the end, or libcurl's code for "abort".
    fileprivate func supply(_ room: UnsafeMutableRawBufferPointer) -> Int {
        guard let transfer, let upload = transfer.upload else { return Int(CURL_READFUNC_ABORT) }
        do throws(CurlError) {
            let count = try upload.read(into: room)
            if count > 0 { transfer.progress?(upload.position) }
            return count
        } catch {
            failure = (error.code, error.message)
            return Int(CURL_READFUNC_ABORT)
        }
    }

    /// Whether the address may be connected to.
    fileprivate func mayDial(_ address: UnsafePointer<curl_sockaddr>) -> Bool {
        guard let transfer else { return false }
        transfer.clock.reconnecting(at: loop.now)
        guard case .publicOnly(let allowed) = transfer.request.addressRule, !hostIsAllowed else { return true }
        let bytes = AddressGuard.bytes(of: address) ?? []
        if AddressGuard.isPublic(bytes) || allowed.allows(address: bytes) { return true }
        refusedAddress = bytes
        return false
    }

    /// Starts the request's clock, and retires a reused connection that holds bytes nobody asked for.
    fileprivate func connectionIsReady(_ key: ConnectionRegistry.Key, localPort: CInt) {
        guard let transfer else { return }
        if !openedSockets.isEmpty {
            loop.connections.register(key, localPort: localPort, among: openedSockets)
            openedSockets.removeAll(keepingCapacity: true)
        } else if !transfer.request.url.utf8.starts(with: "https".utf8) {
            // Bytes on an idle plain connection are a late or surplus answer, which libcurl would take for the answer
            // to this request. With TLS they may be mere session tickets, so there libcurl's own checks must do.
            _ = loop.connections.retireIfUnread(key)
        }
        transfer.clock.connected(at: loop.now)
        loop.watch(transfer)
    }
}
