// SPDX-License-Identifier: Apache-2.0
import CLibcurl

/// A reusable easy handle and what arrives on it. Belongs to the engine thread.
///
/// Options are set once; for each transfer only those that differ from the previous one are set again.
final class TransferSlot {
    /// libcurl's easy handle.
    let easy: UnsafeMutableRawPointer
    /// The engine, which outlives its slots.
    unowned let loop: EngineLoop
    /// The transfer that uses the handle now.
    private(set) var transfer: Transfer?

    /// Status of the answer being received; 0 before the first status line.
    var status = 0
    /// Header lines of the answer being received, status line included.
    var headerBlock: [UInt8] = []
    /// Header bytes received, over all answers of this transfer.
    var headerBytesReceived = 0
    /// Whether the final answer's header has ended.
    var isHeadComplete = false
    /// Collected body.
    var body: [UInt8] = []
    /// Body bytes received, collected or passed on.
    var bodyBytesReceived = 0
    /// Reason given by one of our callbacks for stopping; overrides libcurl's.
    var failure: (code: CurlError.Code, message: String)?
    /// Sockets opened since the last request was sent: if none, the connection is a reused one.
    var openedSockets: [curl_socket_t] = []
    /// The address that the request's rule turned away last, 4 or 16 bytes; empty for an unknown kind.
    var refusedAddress: [UInt8]?
    /// Whether the operator allows the host by name, so that its addresses are not judged.
    private(set) var hostIsAllowed = false

    private let errorText: UnsafeMutablePointer<CChar>
    private var applied = AppliedOptions()
    private var ownHeaders = HeaderChain()
    /// Kept while the handle points to its list.
    private var preparedHeaders: PreparedHeaders?
    /// The same for a list with stamps; nil while the handle has another.
    private var stampedHeaders: StampedHeaders?

    /// A new handle with the engine's options; nil when libcurl has no memory or refuses an option.
    init?(loop: EngineLoop) {
        guard let easy = curl_easy_init() else { return nil }
        self.easy = easy
        self.loop = loop
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        guard setConstantOptions(loop.configuration), setCallbacks() else { return nil }
    }

    deinit {
        curl_easy_cleanup(easy)
        ownHeaders.free()
        errorText.deallocate()
    }

    /// libcurl's own words about the last failure; may be empty.
    var errorDetail: String { String(cString: errorText) }

    /// Gets the handle ready for `transfer`.
    ///
    /// - Throws: `badURL`, `badRequest`, or `other` with libcurl's code.
    func prepare(_ transfer: Transfer) throws(CurlError) {
        self.transfer = transfer
        errorText[0] = 0
        let request = transfer.request
        try judge(request)
        try apply(url: request.url)
        try apply(method: request.method, of: transfer)
        try apply(headersOf: request)
        applySwitches(request, isStreaming: transfer.channel != nil)
    }

    /// Parts from the transfer; the handle can take the next one.
    func release() {
        transfer = nil
        status = 0
        headerBlock = []
        headerBytesReceived = 0
        isHeadComplete = false
        body = []
        bodyBytesReceived = 0
        failure = nil
        openedSockets.removeAll(keepingCapacity: true)
        refusedAddress = nil
        hostIsAllowed = false
        if ownHeaders.head != nil {
            // The handle must not keep a pointer to freed nodes.
            shardline_easy_set_headers(easy, nil)
            ownHeaders.free()
            preparedHeaders = nil
        }
    }

    // MARK: Options of one transfer

    /// What the request's rule demands before anything is looked up.
    private func judge(_ request: HTTPRequest) throws(CurlError) {
        guard case .publicOnly(let allowed) = request.addressRule else { return }
        guard request.timeouts.areBounded else {
            throw CurlError.badRequest("a request to a user's URL needs a total limit, or one for each phase")
        }
        hostIsAllowed = allowed.allows(host: try GuardedURL.host(of: request.url))
    }

    private func apply(url: String) throws(CurlError) {
        if url == applied.url { return }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw CurlError(.badURL, "URL contains a blank or control character")
        }
        try check(shardline_easy_set_string(easy, CURLOPT_URL, url), "URL")
        applied.url = url
    }

    private func apply(method: String, of transfer: Transfer) throws(CurlError) {
        let shape = RequestShape(
            method: method, isUpload: transfer.upload != nil, hasBody: transfer.request.body != nil)
        if shape != applied.shape {
            if applied.shape == .upload { shardline_easy_set_long(easy, CURLOPT_UPLOAD, 0) }
            shardline_easy_set_long(easy, shape.option, 1)
            applied.shape = shape
        }
        let custom = method == shape.method ? "" : method
        if custom != applied.customMethod {
            guard method.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw CurlError.badRequest("method is not a token")
            }
            try check(shardline_easy_set_string(easy, CURLOPT_CUSTOMREQUEST, custom.isEmpty ? nil : custom), "method")
            applied.customMethod = custom
        }
        switch shape {
        case .get, .head:
            break
        case .post:
            let body = transfer.request.body
            shardline_easy_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body?.count ?? 0))
            // A null pointer would make libcurl ask the read callback, so an empty body gets some address.
            shardline_easy_set_pointer(easy, CURLOPT_POSTFIELDS, body?.base ?? UnsafeRawPointer(errorText))
        case .upload:
            let count = transfer.announcesLength ? transfer.bodyCount : -1
            shardline_easy_set_offset(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(count))
        }
    }

    private func apply(headersOf request: HTTPRequest) throws(CurlError) {
        if let stamp = request.stamp, let prepared = request.prepared, request.headers.isEmpty,
            !prepared.stamped.isEmpty, !stamp.isEmpty
        {
            return try apply(stamp: stamp, prepared)
        }
        if stampedHeaders != nil {
            shardline_easy_set_headers(easy, nil)
            stampedHeaders = nil
            preparedHeaders = nil
        }
        if let prepared = request.prepared, request.headers.isEmpty {
            if preparedHeaders !== prepared {
                shardline_easy_set_headers(easy, prepared.list)
                preparedHeaders = prepared
            }
            return
        }
        if let prepared = request.prepared {
            try ownHeaders.append(request.headers)
            ownHeaders.join(prepared)
            preparedHeaders = prepared
            shardline_easy_set_headers(easy, ownHeaders.head)
        } else {
            let prepared = try PreparedHeaders(request.headers, acceptsCompression: request.acceptsCompression)
            preparedHeaders = prepared
            shardline_easy_set_headers(easy, prepared.list)
        }
    }

    private func apply(stamp: String, _ prepared: PreparedHeaders) throws(CurlError) {
        if let stamped = stampedHeaders, stamped.prepared === prepared, stamped.stampBytes == stamp.utf8.count {
            stamped.write(stamp)
            return
        }
        let stamped = try StampedHeaders(prepared, stamp: stamp)
        shardline_easy_set_headers(easy, stamped.list)
        stampedHeaders = stamped
        preparedHeaders = nil
    }

    private func applySwitches(_ request: HTTPRequest, isStreaming: Bool) {
        let acceptsCompression = request.prepared?.acceptsCompression ?? request.acceptsCompression
        set(\.acceptsCompression, acceptsCompression) { easy, isOn in
            shardline_easy_set_string(easy, CURLOPT_ACCEPT_ENCODING, isOn ? "gzip, deflate" : nil)
        }
        set(\.followsRedirects, request.mayFollowRedirects) { easy, isOn in
            shardline_easy_set_long(easy, CURLOPT_FOLLOWLOCATION, isOn ? 1 : 0)
        }
        set(\.isGuarded, request.addressRule.isGuarded) { easy, isOn in
            // A pooled connection may have been opened by an unguarded request, and must not outlive a guarded one.
            shardline_easy_set_long(easy, CURLOPT_FRESH_CONNECT, isOn ? 1 : 0)
            shardline_easy_set_long(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, isOn ? 1 : 0)
            return shardline_easy_set_long(easy, CURLOPT_FORBID_REUSE, isOn ? 1 : 0)
        }
        set(\.receiveBytes, isStreaming ? 128 << 10 : 16 << 10) { easy, count in
            shardline_easy_set_long(easy, CURLOPT_BUFFERSIZE, count)
        }
        // libcurl divides its own limit among the addresses of a name, so it must know ours.
        let span = request.timeouts.connect.map(MonotonicTime.span)
        set(\.connectMilliseconds, span.map { Int(min(max($0 / 1_000_000, 1), 1 << 31)) } ?? 1 << 31) { easy, limit in
            shardline_easy_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, limit)
        }
    }

    private func set<Value: Equatable>(
        _ option: WritableKeyPath<AppliedOptions, Value>, _ value: Value,
        _ apply: (UnsafeMutableRawPointer, Value) -> CURLcode
    ) {
        if applied[keyPath: option] == value { return }
        if apply(easy, value) == CURLE_OK { applied[keyPath: option] = value }
    }

    private func check(_ code: CURLcode, _ what: String) throws(CurlError) {
        if code == CURLE_OK { return }
        if code == CURLE_URL_MALFORMAT { throw CurlError(.badURL, "URL is malformed") }
        throw CurlError(.other(Int(code.rawValue)), "libcurl refused the \(what)")
    }

    // MARK: Options of every transfer

    private func setConstantOptions(_ configuration: EngineConfiguration) -> Bool {
        let idleSeconds = max(configuration.connectionIdleTimeout.components.seconds, 1)
        let numbers: [(CURLoption, Int)] = [
            (CURLOPT_NOSIGNAL, 1),
            (CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
            (CURLOPT_TCP_NODELAY, 1),
            (CURLOPT_TCP_KEEPALIVE, 1),
            (CURLOPT_NETRC, 0),
            (CURLOPT_PATH_AS_IS, 1),
            (CURLOPT_MAXREDIRS, 5),
            (CURLOPT_HTTP09_ALLOWED, 0),
            (CURLOPT_NOPROGRESS, 1),
            (CURLOPT_MAXAGE_CONN, Int(idleSeconds)),
            // Else removing a transfer waits for the resolver's thread, and every other transfer with it.
            (CURLOPT_QUICK_EXIT, 1),
        ]
        let strings: [(CURLoption, String)] = [
            (CURLOPT_PROXY, ""),
            (CURLOPT_NOPROXY, "*"),
            (CURLOPT_PROTOCOLS_STR, "http,https"),
            (CURLOPT_REDIR_PROTOCOLS_STR, "http,https"),
            (CURLOPT_USERAGENT, configuration.userAgent),
        ]
        var isAccepted =
            numbers.allSatisfy { shardline_easy_set_long(easy, $0.0, $0.1) == CURLE_OK }
            && strings.allSatisfy { shardline_easy_set_string(easy, $0.0, $0.1) == CURLE_OK }
        if let path = configuration.caBundlePath {
            isAccepted = shardline_easy_set_string(easy, CURLOPT_CAINFO, path) == CURLE_OK && isAccepted
        }
        return isAccepted
    }

    private func setCallbacks() -> Bool {
        let context = Unmanaged.passUnretained(self).toOpaque()
        let codes = [
            shardline_easy_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText),
            shardline_easy_set_pointer(easy, CURLOPT_PRIVATE, context),
            shardline_easy_on_body(easy, TransferCallbacks.body, context),
            shardline_easy_on_header(easy, TransferCallbacks.header, context),
            shardline_easy_on_read(easy, TransferCallbacks.read, context),
            shardline_easy_on_seek(easy, TransferCallbacks.seek, context),
            shardline_easy_on_open_socket(easy, TransferCallbacks.openSocket, context),
            shardline_easy_on_close_socket(
                easy, TransferCallbacks.closeSocket, Unmanaged.passUnretained(loop.connections).toOpaque()),
            shardline_easy_on_connected(easy, TransferCallbacks.connected, context),
        ]
        return codes.allSatisfy { $0 == CURLE_OK }
    }
}

/// Values of the options that differ between transfers, as set on the handle; starts with libcurl's defaults.
private struct AppliedOptions {
    var url = ""
    var shape = RequestShape.get
    var customMethod = ""
    var acceptsCompression = false
    var followsRedirects = false
    var isGuarded = false
    var receiveBytes = 16 << 10
    var connectMilliseconds = 0
}

/// The forms of request libcurl distinguishes.
private enum RequestShape {
    case get, head, post, upload

    init(method: String, isUpload: Bool, hasBody: Bool) {
        if isUpload {
            self = .upload
        } else if hasBody || method == "POST" {
            self = .post
        } else {
            self = method == "HEAD" ? .head : .get
        }
    }

    /// Method libcurl sends for the form by itself.
    var method: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .upload: "PUT"
        }
    }

    /// Option that selects the form.
    var option: CURLoption {
        switch self {
        case .get: CURLOPT_HTTPGET
        case .head: CURLOPT_NOBODY
        case .post: CURLOPT_POST
        case .upload: CURLOPT_UPLOAD
        }
    }
}
