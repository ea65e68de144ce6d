// SPDX-License-Identifier: Apache-2.0

/// An error as clients of Ark's control plane see it. (contracts: Ark error codes)
struct ArkFault: Error, Hashable, Sendable {
    /// The name of the error, such as `InvalidParameter.CompletionWindow`.
    var code: String
    /// The vendor's number of it; nil where none is known.
    var number: Int64?
    /// HTTP status.
    var status: Int
    /// One or two sentences: the thing, the place, the way out.
    var message: String
    /// Whole seconds after which a retry makes sense, 1…60; only with 429 and 503.
    var retryAfterSeconds: Int?

    /// An error with every field given.
    init(_ code: String, _ number: Int64? = nil, status: Int, _ message: String, retryAfterSeconds: Int? = nil) {
        self.code = code
        self.number = number
        self.status = status
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// 400: a required parameter is missing; `detail` is its name.
    static func missingParameter(_ message: String, detail: String) -> ArkFault {
        ArkFault("MissingParameter.\(detail)", 100_002, status: 400, message)
    }

    /// 400: a parameter has a value that it cannot have; `detail` is its name.
    static func invalidParameter(_ message: String, detail: String? = nil) -> ArkFault {
        ArkFault("InvalidParameter" + (detail.map { ".\($0)" } ?? ""), status: 400, message)
    }

    /// 400: something that every signed request has is missing.
    static func missingRequestInfo(_ message: String) -> ArkFault {
        ArkFault("MissingRequestInfo", 100_004, status: 400, message)
    }

    /// 400: the signature is not there or has another form.
    static func invalidAuthorization(_ message: String) -> ArkFault {
        ArkFault("InvalidAuthorization", status: 400, message)
    }

    /// 400: signed at another time than now.
    static func invalidTimestamp(_ message: String) -> ArkFault {
        ArkFault("InvalidTimestamp", 100_006, status: 400, message)
    }

    /// 404: signed for another service.
    static func serviceNotFound(_ message: String) -> ArkFault {
        ArkFault("ServiceNotFound", 100_007, status: 404, message)
    }

    /// 404: there is no such action in that version.
    static func invalidActionOrVersion(_ message: String) -> ArkFault {
        ArkFault("InvalidActionOrVersion", 100_008, status: 404, message)
    }

    /// 401: nobody has that access key.
    static func invalidAccessKey(_ message: String) -> ArkFault {
        ArkFault("InvalidAccessKey", 100_009, status: 401, message)
    }

    /// 401: the signature is not that of the access key's secret, or the request was changed.
    static func signatureDoesNotMatch(_ message: String) -> ArkFault {
        ArkFault("SignatureDoesNotMatch", 100_010, status: 401, message)
    }

    /// 401: a session token that cannot be checked.
    static func invalidSecretToken(_ message: String) -> ArkFault {
        ArkFault("InvalidSecretToken", status: 401, message)
    }
}
