// SPDX-License-Identifier: Apache-2.0

import BatchCore
import HTTPTypes

/// What a handler answers; the front desk adds the headers that every response has, and sends it.
struct Answer {
    /// The bytes of a response.
    enum Body {
        /// All of them, in memory.
        case bytes([UInt8])
        /// A promise of exactly `length` bytes, or of as many as there will be when it is nil, taken piece by piece
        /// while they are sent.
        ///
        /// `next` gives pieces of at most 256 KiB, nil at the end; `end` is called exactly once, however it ends.
        case stream(length: Int64?, next: () async throws -> [UInt8]?, end: @Sendable () -> Void)
    }

    /// HTTP status.
    var status: HTTPResponse.Status
    /// Headers beyond the common ones.
    var headers: HTTPFields
    /// What is sent, unless the request was a HEAD.
    var body: Body
    /// Whether the connection is given up after this answer, because the rest of the request is not wanted.
    var closesConnection = false

    /// An answer.
    init(status: HTTPResponse.Status, headers: HTTPFields = HTTPFields(), body: Body) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A JSON object.
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Answer {
        var headers = HTTPFields()
        headers[.contentType] = "application/json"
        return Answer(status: status, headers: headers, body: .bytes(value.bytes))
    }

    /// Length of the body in bytes; nil when nobody knows it yet.
    var length: Int64? {
        switch body {
        case .bytes(let bytes): Int64(bytes.count)
        case .stream(let length, _, _): length
        }
    }
}
