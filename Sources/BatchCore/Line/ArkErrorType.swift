// SPDX-License-Identifier: Apache-2.0

/// The `type` of an error in Ark's words, where whoever reports it names none. (contracts: Ark files, error lines)
package enum ArkErrorType {
    /// The type of a backend's answer with that status.
    package static func ofStatus(_ status: Int) -> String {
        switch status {
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "NotFound"
        case 429: "TooManyRequests"
        case 400..<500: "BadRequest"
        default: "InternalServerError"
        }
    }

    /// The type of one of this service's own codes for a line that has no answer.
    package static func ofCode(_ code: String) -> String {
        switch code {
        case "batch_cancelled", "batch_expired": "NotExecuted"
        default: "InternalServerError"
        }
    }
}
