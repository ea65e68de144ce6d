// SPDX-License-Identifier: Apache-2.0
import Curl

/// What a user reads about a line without an answer: the cause, without addresses of the operator's network.
enum FaultSentence {
    /// One sentence for a transport error of a call to a backend.
    static func of(_ code: CurlError.Code, _ backend: BackendConfiguration) -> String {
        switch code {
        case .timeoutConnect: "The inference backend could not be connected to in time."
        case .timeoutFirstByte: "The inference backend did not begin to answer within \(backend.firstByteTimeout)."
        case .timeoutIdle: "The inference backend fell silent in the middle of its answer."
        case .timeoutTotal: "The request took longer than \(backend.totalTimeout)."
        case .couldNotResolve: "The inference backend's name could not be resolved."
        case .couldNotConnect: "The inference backend could not be connected to."
        case .connectionLost: "The connection to the inference backend broke."
        case .tls: "No secure connection to the inference backend could be made."
        case .protocolError: "The inference backend answered with something that is not proper HTTP."
        case .addressRefused: "The inference backend's address is not allowed."
        case .responseTooLarge:
            "The inference backend's answer is longer than the limit of \(backend.responseBytesMax) bytes."
        case .badURL, .badRequest, .bodyUnreadable: "The request could not be sent to the inference backend."
        case .cancelled, .shutdown, .queueFull: "The service could not send the request."
        case .other(let number): "The request failed (transport error \(number))."
        }
    }
}
