// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// Makes any error one that the retries of Ark's SDKs take well. (contracts: Ark runtime retry behaviour)
///
/// They repeat 408, 409 and every 5xx without a pause unless an integer Retry-After says for how long; and a
/// Retry-After on an error that stays stops every caller of the model for nothing. So what may pass is a 429 or 503
/// with the pause, what stays is a 400…499 without, and nothing else is answered.
enum LiveFault {
    /// What the client is told in place of `error`.
    static func told(_ error: BatchError) -> BatchError {
        var error = error
        switch error.status {
        case 429: break
        case 408, 500...:
            error.status = 503
            error.isFinal = false
        default:
            if error.status == 409 { error.status = 400 }
            error.retryAfterSeconds = nil
            return error
        }
        error.retryAfterSeconds = error.retryAfterSeconds ?? pauseSeconds
        return error
    }

    /// The pause after an error that does not say how long it lasts.
    private static let pauseSeconds = 5

    /// A model that nobody serves, or not for this kind of request.
    static func unknownModel(_ model: String, path: String) -> BatchError {
        BatchError(
            status: 404, type: "NotFound", code: "InvalidEndpointOrModel.NotFound", param: "model",
            message: "The model or endpoint '\(model.prefix(200))' does not exist or takes no requests to \(path). "
                + "Name a model that this server lists at /v1/models, or have the operator map it in ark.models.",
            isFinal: true)
    }

    /// A model that the temporary key is not for.
    static func modelNotGranted(_ model: String) -> BatchError {
        BatchError(
            status: 403, type: "Forbidden", code: "AccessDenied", param: "model",
            message: "This temporary API key is not for the model or endpoint '\(model.prefix(200))'. Ask GetApiKey "
                + "for a key with it in ResourceIds.", isFinal: true)
    }

    /// No room for another body.
    static let noRoom = BatchError(
        status: 429, type: "rate_limit_error", code: "rate_limit_exceeded",
        message: "The requests that wait on this server fill the memory they may take (live.held_bytes_max); the "
            + "request is welcome again after the pause.", retryAfterSeconds: 2)

    /// The lane is closed by configuration.
    static func notAllowed(_ endpoint: String) -> BatchError {
        BatchError(
            status: 404, type: "NotFound", code: "endpoint_not_allowed",
            message: "This server takes no requests for \(endpoint): the operator left it out of endpoints.allow.",
            isFinal: true)
    }
}
