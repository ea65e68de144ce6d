// SPDX-License-Identifier: Apache-2.0

import BatchCore

extension ArkFault {
    /// The error that the user sees for `error`, and whether it is one of ours that must be logged with its cause.
    static func visible(_ error: any Error, requestID: String) -> (fault: ArkFault, isInternal: Bool) {
        if let fault = error as? ArkFault { return (fault, false) }
        let (visible, isInternal) = ErrorAnswer.visible(error, requestID: requestID)
        return (ArkFault(visible), isInternal)
    }

    /// What all profiles share, in the words of this one. (contracts: Ark error codes)
    init(_ error: BatchError) {
        let (code, number): (String, Int64?) =
            switch error.status {
            case 401: ("InvalidAuthorization", nil)
            case 403: ("AccessDenied", 100_013)
            case 404: ("NotFound", nil)
            case 409: ("OperationDenied", nil)
            case 429: ("FlowLimitExceeded", nil)
            case 502: ("InternalServiceError", nil)
            case 503: ("ServiceUnavailableTemp", nil)
            case 504: ("InternalServiceTimeout", 100_016)
            case 500...: ("InternalError", 100_014)
            default: ("InvalidParameter" + (error.param.map { ".\($0)" } ?? ""), nil)
            }
        self.init(code, number, status: error.status, error.message, retryAfterSeconds: error.retryAfterSeconds)
    }
}
