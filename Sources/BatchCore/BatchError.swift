// SPDX-License-Identifier: Apache-2.0

/// What a user may see of an error: the HTTP status and the four fields of the error body.
///
/// Everything else that is thrown is an internal fault: it is logged, and the user sees one fixed sentence and the
/// request id. (contracts: OpenAI error body)
package struct BatchError: Error, Hashable, Sendable {
    /// HTTP status, 400…599.
    package var status: Int
    /// The `type` of the error body, such as `invalid_request_error`.
    package var type: String
    /// The `code` of the error body; null where the vendor gives none.
    package var code: String?
    /// The field that is at fault, such as `metadata.color`.
    package var param: String?
    /// One or two sentences: the thing, the place, the way out.
    package var message: String
    /// Whole seconds after which a retry makes sense, 1…60; only with 429 and 503.
    package var retryAfterSeconds: Int?
    /// Whether clients should be told not to repeat the request (`x-should-retry: false`).
    package var isFinal: Bool

    /// An error with every field given.
    package init(
        status: Int, type: String, code: String? = nil, param: String? = nil, message: String,
        retryAfterSeconds: Int? = nil, isFinal: Bool = false
    ) {
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
        self.isFinal = isFinal
    }

    /// 400: the request itself is wrong.
    package static func invalid(_ message: String, code: String? = nil, param: String? = nil) -> BatchError {
        BatchError(
            status: 400, type: "invalid_request_error", code: code, param: param, message: message, isFinal: true)
    }

    /// 404: nothing of that name in this project; the same words for things of other projects.
    package static func notFound(_ message: String, param: String? = nil) -> BatchError {
        BatchError(status: 404, type: "invalid_request_error", param: param, message: message, isFinal: true)
    }

    /// 401: no key, or one that is not known.
    package static func unauthorized(_ message: String) -> BatchError {
        BatchError(
            status: 401, type: "invalid_request_error", code: "invalid_api_key", message: message, isFinal: true)
    }

    /// 409: the thing is in a state that forbids it; repeating would not help.
    package static func conflict(_ message: String) -> BatchError {
        BatchError(status: 409, type: "invalid_request_error", message: message, isFinal: true)
    }

    /// 413: the body is larger than a named limit.
    package static func tooLarge(_ message: String, param: String? = nil) -> BatchError {
        BatchError(
            status: 413, type: "invalid_request_error", code: "file_too_large", param: param, message: message,
            isFinal: true)
    }

    /// 503: something the server needs is away for the moment.
    package static func unavailable(_ message: String, retryAfterSeconds: Int = 2) -> BatchError {
        BatchError(
            status: 503, type: "server_error", code: "service_unavailable", message: message,
            retryAfterSeconds: retryAfterSeconds)
    }

    /// 507: no room to store what was sent.
    package static func storageFull(_ message: String) -> BatchError {
        BatchError(status: 507, type: "server_error", code: "insufficient_storage", message: message, isFinal: true)
    }
}
