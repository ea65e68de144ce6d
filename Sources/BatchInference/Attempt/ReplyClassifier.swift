// SPDX-License-Identifier: Apache-2.0
package import Curl

/// Whose doing an answer is.
package enum Verdict: Hashable, Sendable {
    /// The line succeeded.
    case success
    /// The request's own fault, or nothing another try would change: the answer is the line's result.
    case requestFault
    /// The backend's fault: tried again while attempts and time are left.
    case backendFault
}

/// What a call without a usable answer means for its line. Codes are those of the line's record.
/// (contracts: OpenAI batch result lines)
package enum CallFault: Hashable, Sendable {
    /// Tried again; `code` is recorded when attempts or time run out.
    case again(code: String)
    /// Another try would end the same way.
    case final(code: String)
    /// The caller stopped it: says nothing about the line.
    case aborted
}

/// Decides whose fault a reply is: total over statuses and transport errors, no state, no clock.
package enum ReplyClassifier {
    /// The call took longer than it may.
    package static let requestTimeout = "request_timeout"
    /// No connection, or it broke.
    package static let connectionError = "connection_error"
    /// Something on the way failed that has no better name.
    package static let serverError = "server_error"
    /// The answer was longer than the backend's `responseBytesMax`.
    package static let responseTooLarge = "response_too_large"

    /// Whose doing a complete answer is; `isUsable` says whether its body is, or comes to, one complete JSON text.
    package static func verdict(status: Int, isUsable: Bool) -> Verdict {
        switch status {
        case 200..<300: isUsable ? .success : .backendFault
        // Timeout, conflict with another request, too early, too many: all pass with time.
        case 408, 409, 425, 429: .backendFault
        // A redirect is not followed: the address is wrong, and stays wrong.
        case 300..<500: .requestFault
        default: .backendFault
        }
    }

    /// Whether the answer says that the backend takes no more at the moment.
    package static func isRefusal(status: Int) -> Bool { status == 429 || status == 503 }

    /// What a transport error says of the backend.
    package static func report(_ code: CurlError.Code) -> CallReport {
        switch code {
        case .timeoutFirstByte, .timeoutIdle, .timeoutTotal: .timedOut
        case .timeoutConnect, .couldNotResolve, .couldNotConnect, .connectionLost, .tls, .addressRefused:
            .unreachable
        case .protocolError: .faulty
        case .responseTooLarge, .badURL, .badRequest, .bodyUnreadable, .queueFull, .cancelled, .shutdown, .other:
            .aborted
        }
    }

    /// What a transport error means for the line.
    package static func fault(_ code: CurlError.Code) -> CallFault {
        switch code {
        case .timeoutConnect, .timeoutFirstByte, .timeoutIdle, .timeoutTotal: .again(code: requestTimeout)
        case .couldNotResolve, .couldNotConnect, .connectionLost, .tls, .protocolError, .addressRefused:
            .again(code: connectionError)
        case .queueFull, .other: .again(code: serverError)
        case .responseTooLarge: .final(code: responseTooLarge)
        case .badURL, .badRequest, .bodyUnreadable: .final(code: serverError)
        case .cancelled, .shutdown: .aborted
        }
    }
}
