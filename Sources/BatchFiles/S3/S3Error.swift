// SPDX-License-Identifier: Apache-2.0

package import Curl

/// Why a store, or a URL, did not do what was asked.
package struct S3Error: Error, Sendable, CustomStringConvertible {
    /// What went wrong.
    package enum Reason: Sendable {
        /// No complete answer came.
        case network(CurlError)
        /// The store refused. `code` is its own word, such as `NoSuchKey`; empty when it sent none.
        case refused(status: Int, code: String, message: String)
        /// The answer is none of this protocol, or bytes are not those that were expected; the text says which.
        case damaged(String)
    }

    /// What went wrong.
    package let reason: Reason
    /// What was being done, such as `read`; follows "cannot".
    package let operation: String
    /// The object, as an address without any permission.
    package let place: String
    /// The store's name for the request, for its support; nil when none came.
    package let requestID: String?
    /// How long the store asks to be left alone; nil when it did not say.
    package let retryAfter: Duration?

    /// An error; also made by tests of callers.
    package init(
        _ reason: Reason, operation: String, place: String, requestID: String? = nil, retryAfter: Duration? = nil
    ) {
        self.retryAfter = retryAfter
        self.reason = reason
        self.operation = operation
        self.place = place
        self.requestID = requestID
    }

    /// The store's own word for the refusal; empty for other reasons.
    package var code: String {
        if case .refused(_, let code, _) = reason { return code }
        return ""
    }

    /// Status of the refusal; nil for other reasons.
    package var status: Int? {
        if case .refused(let status, _, _) = reason { return status }
        return nil
    }

    /// Whether the bucket is there and the object is not.
    package var isMissingObject: Bool { status == 404 && code != "NoSuchBucket" && code != "NoSuchUpload" }

    /// Whether the store is out of room for this bucket.
    package var isFull: Bool { status == 507 || Self.fullCodes.contains(code) }

    /// Whether the same request may succeed later.
    package var isRetryable: Bool {
        switch reason {
        case .network(let error): error.isRetryable
        case .refused(let status, let code, _):
            [408, 429, 500, 502, 503, 504].contains(status) || Self.passingCodes.contains(code)
        case .damaged: false
        }
    }

    /// Operation, place, reason, advice and request id in one line.
    package var description: String { "cannot \(operation) \(place): \(explanation)" }

    /// Reason, advice and request id.
    package var explanation: String {
        let why: String
        switch reason {
        case .network(let error): why = error.message
        case .damaged(let text): why = text
        case .refused(let status, let code, let message):
            let word = code.isEmpty ? "status \(status)" : "\(code) (\(status))"
            why = word + (message.isEmpty ? "" : ": \(message)")
        }
        let advice = Self.advice[code].map { "; \($0)" } ?? ""
        return why + advice + (requestID.map { " [request \($0)]" } ?? "")
    }

    /// Faults of the moment, whatever their status.
    private static let passingCodes: Set = [
        "SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "Throttling", "ThrottlingException",
        "RequestThrottled", "TooManyRequests", "OperationAborted", "IncompleteBody", "BadDigest",
        "XAmzContentSHA256Mismatch", "ExceedQPSLimit",
    ]
    private static let fullCodes: Set = ["QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"]

    /// What a person can do about it.
    private static let advice = [
        "InvalidAccessKeyId": "the store does not know the access key",
        "SignatureDoesNotMatch": "the secret key is most likely wrong",
        "InvalidToken": "the session token is wrong",
        "InvalidSecurityToken": "the session token is wrong",
        "ExpiredToken": "the session token has run out: get new credentials",
        "AccessDenied": "the credentials do not allow it, or the URL has expired",
        "NoSuchBucket": "create the bucket or correct its name",
        "RequestTimeTooSkewed": "set this machine's clock",
        "AuthorizationHeaderMalformed": "the region is most likely wrong",
        "PermanentRedirect": "the bucket is in another region",
        "SecondLevelDomainForbidden": "this store wants path_style turned off",
    ]
}
