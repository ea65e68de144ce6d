// SPDX-License-Identifier: Apache-2.0
import Curl

/// What a user reads about a line without an answer: which backend, the cause, the way out; no addresses of the
/// operator's network.
enum FaultSentence {
    /// One sentence for a transport error of a call to a backend.
    static func of(_ code: CurlError.Code, _ backend: BackendConfiguration) -> String {
        let cause = cause(code, backend)
        guard isOperators(code) else { return cause }
        return cause + " Ask the operator whether the backend works, then submit the failed lines again."
    }

    /// Whether only the operator can do something about it.
    private static func isOperators(_ code: CurlError.Code) -> Bool {
        switch code {
        case .timeoutConnect, .couldNotResolve, .couldNotConnect, .connectionLost, .tls, .protocolError,
            .addressRefused:
            true
        default: false
        }
    }

    private static func cause(_ code: CurlError.Code, _ backend: BackendConfiguration) -> String {
        let name = "inference backend '\(backend.name)'"
        return switch code {
        case .timeoutConnect: "The \(name) could not be connected to in time."
        case .timeoutFirstByte: "The \(name) did not begin to answer within \(backend.firstByteTimeout)."
        case .timeoutIdle: "The \(name) fell silent in the middle of its answer."
        case .timeoutTotal: "The request took longer than \(backend.totalTimeout), the limit of the \(name)."
        case .couldNotResolve: "The host of the \(name) could not be resolved."
        case .couldNotConnect: "The \(name) could not be connected to."
        case .connectionLost: "The connection to the \(name) broke."
        case .tls: "No secure connection to the \(name) could be made."
        case .protocolError: "The \(name) answered with something that is not proper HTTP."
        case .addressRefused: "The address of the \(name) is not allowed."
        case .responseTooLarge:
            "The answer of the \(name) is longer than \(backend.responseBytesMax) bytes; "
                + "ask for fewer tokens, or the operator for a higher limit."
        case .badURL, .badRequest, .bodyUnreadable: "The request could not be sent to the inference backend."
        case .cancelled, .shutdown, .queueFull: "The service could not send the request."
        case .other(let number): "The request failed (transport error \(number))."
        }
    }
}
