// SPDX-License-Identifier: Apache-2.0

/// Everything that can go wrong between this client and a server. A closed list: switch over it without a default.
package enum ClientError: Error, Hashable, Sendable {
    /// Nobody answers at the address: refused (`why` is nil), no such host, or no connection in time.
    case unreachable(server: String, why: String?)
    /// The connection broke or went silent, and trying again did not help or could have done the work twice.
    case interrupted(server: String, doing: String, why: String)
    /// The server answered 4xx: the request is not acceptable.
    case refused(Refusal, doing: String)
    /// The server answered 5xx or asked to wait for longer than this client is ready to.
    case serverFault(Refusal, server: String, doing: String)
    /// Somebody answered, but not the way this API answers.
    case unintelligible(server: String, doing: String, why: String)
    /// A file of this machine cannot be read or written. The sentence names it and the way out.
    case localFile(String)
    /// Whoever read our output has gone away (EPIPE); no reason to say anything.
    case outputClosed
    /// The request cannot be sent: a fault of the caller. The sentence names it.
    case unsendable(String)
    /// The task was cancelled.
    case cancelled

    /// One or two sentences for people: the thing, the place, the way out.
    package var message: String {
        switch self {
        case .unreachable(let server, let why):
            "nothing answers at \(server)\(why.map { " (\($0))" } ?? ""): is batchd running? Set --url or SHARDLINE_URL"
        case .interrupted(let server, let doing, let why):
            "\(doing): the connection to \(server) failed (\(why))"
        case .refused(let refusal, let doing):
            "\(doing): \(refusal.sentence)" + Self.advice(for: refusal)
        case .serverFault(let refusal, let server, let doing):
            "\(doing): \(server) failed: \(refusal.sentence). Try again later, or look into the server's log"
        case .unintelligible(let server, let doing, let why):
            "\(doing): \(server) does not answer like this API (\(why)). Is the address right? See --url"
        case .localFile(let sentence), .unsendable(let sentence):
            sentence
        case .outputClosed:
            "nobody reads the output any more"
        case .cancelled:
            "interrupted"
        }
    }

    private static func advice(for refusal: Refusal) -> String {
        switch refusal.status {
        case 401: ". Set --api-key or SHARDLINE_API_KEY"
        case 429: ". Try again later"
        default: ""
        }
    }
}

/// An answer that says no. (contracts: OpenAI error body)
package struct Refusal: Hashable, Sendable {
    /// HTTP status, 400…599.
    package var status: Int
    /// `error.message`, or what could be made out of a body of another form; may be empty.
    package var message: String
    /// `error.type`, such as `invalid_request_error`.
    package var type: String?
    /// `error.code`.
    package var code: String?
    /// `error.param`: the field at fault.
    package var param: String?
    /// `x-request-id`, by which the server's log finds the request.
    package var requestID: String?

    /// A refusal from its fields.
    package init(
        status: Int, message: String, type: String? = nil, code: String? = nil, param: String? = nil,
        requestID: String? = nil
    ) {
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.requestID = requestID
    }

    /// The message without its final stop, then status and request id in brackets.
    package var sentence: String {
        var text = message.isEmpty ? "no reason given" : message
        while text.hasSuffix(".") { text.removeLast() }
        let request = requestID.map { ", request \($0)" } ?? ""
        return "\(text) (HTTP \(status)\(request))"
    }
}
