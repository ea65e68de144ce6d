// SPDX-License-Identifier: Apache-2.0

/// One HTTP request, sent over HTTP/1.1.
package struct HTTPRequest: Sendable {
    /// Method, a token in capitals such as `GET`.
    package var method: String
    /// Absolute `http` or `https` URL, already percent-encoded. Dots in the path are sent as written.
    package var url: String
    /// Fields of this request, sent before those of `prepared`.
    package var headers: HTTPHeaders
    /// Fields shared by many requests; decides about compression in place of `acceptsCompression` when present.
    package var prepared: PreparedHeaders?
    /// Value of the fields that `prepared` leaves open, such as a request id; of one length for all requests that share
    /// them it costs no allocation. Printable ASCII. Ignored with fields of its own or without `prepared`.
    package var stamp: String?
    /// Body bytes, not copied; nil sends no body.
    package var body: SharedBytes?
    /// How long each phase may take.
    package var timeouts: Timeouts
    /// Most body bytes accepted, counted after decompression; one more fails with `responseTooLarge`. ≥ 0.
    package var responseBytesMax: Int
    /// Whether gzip and deflate are offered and undone on arrival.
    package var acceptsCompression: Bool
    /// Whether redirects are followed, at most five. libcurl drops `Authorization` and `Cookie` when the host
    /// changes, but repeats every other field. The method is kept, save that POST becomes GET after 301, 302, 303.
    /// Never followed when `addressRule` is not `any`.
    package var followsRedirects: Bool
    /// Which addresses may be connected to.
    package var addressRule: AddressRule
    /// Whether the answer counts once its header has come: a body is cut at `responseBytesMax`, and what ends it early
    /// (a time limit, a lost connection) is no error. For callers to whom the status matters and not the body. Without
    /// effect on downloads and on requests that follow redirects.
    package var keepsPartialAnswer: Bool

    /// A request; every setting but the first two has a default.
    ///
    /// - Parameter responseBytesMax: 64 MiB by default.
    package init(
        method: String = "GET", url: String, headers: HTTPHeaders = HTTPHeaders(), prepared: PreparedHeaders? = nil,
        stamp: String? = nil, body: SharedBytes? = nil, timeouts: Timeouts = Timeouts(),
        responseBytesMax: Int = 64 << 20,
        acceptsCompression: Bool = false, followsRedirects: Bool = false, addressRule: AddressRule = .any,
        keepsPartialAnswer: Bool = false
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.prepared = prepared
        self.stamp = stamp
        self.body = body
        self.timeouts = timeouts
        self.responseBytesMax = responseBytesMax
        self.acceptsCompression = acceptsCompression
        self.followsRedirects = followsRedirects
        self.addressRule = addressRule
        self.keepsPartialAnswer = keepsPartialAnswer
    }
}

extension HTTPRequest {
    /// A redirect may lead anywhere, so a request to a user's URL follows none.
    var mayFollowRedirects: Bool { followsRedirects && !addressRule.isGuarded }
}

/// How long the phases of a transfer may take. Nil means no limit. Measured on the monotonic clock.
package struct Timeouts: Sendable, Equatable {
    /// Name resolution, connection and TLS handshake together; also the wait for a connection when the host's
    /// limit is reached. Default 10 s.
    package var connect: Duration?
    /// From the request sent to the first byte of the answer's header. For bodies above 64 KiB the start is known
    /// to a quarter of the shorter of this and `idle`. Default 600 s.
    package var firstByte: Duration?
    /// Longest stretch without a byte while the body is sent or the answer received; not counted while the
    /// consumer of a download is the one who is slow. Default 60 s.
    package var idle: Duration?
    /// From the call to the last byte, waiting for a free place in the engine included. Default 1,800 s.
    package var total: Duration?

    /// Limits; the defaults suit an inference call.
    package init(
        connect: Duration? = .seconds(10), firstByte: Duration? = .seconds(600), idle: Duration? = .seconds(60),
        total: Duration? = .seconds(1800)
    ) {
        self.connect = connect
        self.firstByte = firstByte
        self.idle = idle
        self.total = total
    }
}

extension Timeouts {
    /// Whether a peer that is slow on purpose is given up some day.
    var areBounded: Bool { total != nil || (connect != nil && firstByte != nil && idle != nil) }

    /// What happened, in words, when the limit behind `code` ran out.
    func explain(_ code: CurlError.Code) -> String {
        switch code {
        case .timeoutConnect: "no connection within \(Self.words(connect))"
        case .timeoutFirstByte: "no answer within \(Self.words(firstByte)) of the request"
        case .timeoutIdle: "nothing moved for \(Self.words(idle))"
        case .timeoutTotal: "not finished within \(Self.words(total))"
        default: "time limit ran out"
        }
    }

    private static func words(_ span: Duration?) -> String { span.map { "\($0)" } ?? "its time" }
}
