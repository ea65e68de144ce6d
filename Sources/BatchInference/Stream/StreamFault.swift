// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// An error that a stream reports after it has begun, when the status can tell it no more: whose fault it is follows
/// from its code.
struct StreamFault {
    private let body: [UInt8]
    private let status: Int

    /// The error of an event.
    ///
    /// - Parameters:
    ///   - data: the whole event.
    ///   - error: its member `error`; nil when the event is the error itself.
    init(_ data: [UInt8], error: StreamValue?) throws(JSONFault) {
        body = error == nil ? Array(#"{"error":"#.utf8) + data + Array("}".utf8) : data
        status = Self.status(
            of: error ?? StreamValue(.object, data), try Self.names(error ?? StreamValue(.object, data)))
    }

    /// The stream's answer.
    var answer: StreamedAnswer { .failed(status: status, body: body) }

    /// What the error calls itself, in small letters: its code, status and type.
    private static func names(_ error: StreamValue) throws(JSONFault) -> [String] {
        var names: [String] = []
        for member in [try error.member("code"), try error.member("status"), try error.member("type")] {
            if let text = member?.text ?? member?.integer.map(String.init) { names.append(text.lowercased()) }
        }
        return names
    }

    /// The status that the error would have had as an answer of its own; 500 when it does not tell.
    private static func status(of error: StreamValue, _ names: [String]) -> Int {
        for name in names {
            if let number = Int(name), (400..<600).contains(number) { return number }
        }
        for (status, words) in meanings where names.contains(where: { name in words.contains(where: name.contains) }) {
            return status
        }
        return 500
    }

    /// Words in names of errors, the first that fits decides.
    private static let meanings: [(status: Int, words: [String])] = [
        (429, ["rate_limit", "ratelimit", "throttling", "too_many_requests", "overloaded"]),
        (503, ["unavailable"]),
        (408, ["timeout"]),
        (
            400,
            [
                "invalid_request", "invalid_prompt", "badrequest", "bad_request", "context_length", "content_filter",
                "content_policy", "inspection_failed", "datainspectionfailed", "invalidparameter", "invalid_parameter",
                "validation",
            ]
        ),
        (401, ["authentication", "unauthorized"]),
        (403, ["permission", "forbidden"]),
        (404, ["notfound", "not_found"]),
    ]
}
