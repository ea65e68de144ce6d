// SPDX-License-Identifier: Apache-2.0

/// A complete answer.
package struct HTTPResponse: Sendable {
    /// Status code, 200...999; interim answers (1xx) are skipped.
    package var status: Int
    /// Fields of the final answer, parsed when asked for.
    package var headers: HTTPHeaders
    /// Body as received, or decompressed when that was asked for.
    package var body: [UInt8]
    /// Where the time went.
    package var timing: HTTPTiming
    /// Whether only the end of the connection ended the body (no length, not chunked): such a body may have been
    /// cut short without any sign of it, so its content must be checked for completeness.
    package var isDelimitedByClose: Bool

    /// The server's wish when to be asked again; nil when absent or unreadable. Not clamped.
    package var retryAfter: RetryAfter? {
        headers.first("Retry-After").flatMap(RetryAfter.init(parsing:))
    }

    /// An answer; also made by tests of callers.
    package init(
        status: Int, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = [], timing: HTTPTiming = HTTPTiming(),
        isDelimitedByClose: Bool = false
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.timing = timing
        self.isDelimitedByClose = isDelimitedByClose
    }
}

/// Time from the start of the transfer (waiting in the engine's queue excluded) to its milestones.
package struct HTTPTiming: Sendable, Equatable {
    /// Connection established; zero on a reused connection.
    package var connect: Duration
    /// First byte of the answer.
    package var firstByte: Duration
    /// Last byte of the answer.
    package var total: Duration

    /// Milestones; all zero by default.
    package init(connect: Duration = .zero, firstByte: Duration = .zero, total: Duration = .zero) {
        self.connect = connect
        self.firstByte = firstByte
        self.total = total
    }
}
