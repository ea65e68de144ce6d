// SPDX-License-Identifier: Apache-2.0

/// How a line ended. Profiles render it differently, so the record is neutral.
package enum OutcomeKind: Hashable, Sendable {
    /// The backend answered 2xx with JSON: the output file.
    case success
    /// The backend's last answer was an error, or unusable: the error file, with the answer in it.
    case httpError
    /// There is no answer to show: timeout, lost connection, expired, cancelled. The error file. A stable code and a
    /// message for the user.
    case noResponse(code: String, message: String)
}

/// The record of one finished line: what the result files and statistics need.
package struct Outcome: Hashable, Sendable {
    /// Which line of the shard, 0-based.
    package var ordinal: Int
    /// How it ended.
    package var kind: OutcomeKind
    /// HTTP status of the last answer; 0 without one.
    package var statusCode: Int
    /// The raw `custom_id` token of the line, quotes included.
    package var customID: ArraySlice<UInt8>
    /// The backend's own id of the request; empty when it gave none.
    package var requestID: String
    /// Calls made, 0 when it was never tried.
    package var attempts: Int
    /// Why the latest call that did not count failed, in a few words, such as `HTTP 503`; empty when none did.
    package var lastError: String
    /// When the last attempt started, in milliseconds since 1970 by the worker's clock; 0 when it was never tried.
    package var startedMilliseconds: Int64
    /// How long the last attempt took, in milliseconds.
    package var durationMilliseconds: Int64
    /// Who called; nil when nobody did.
    package var workerID: String?
    /// The name of the backend that was called; empty when none was.
    package var backend: String
    /// Tokens it consumed.
    package var usage: Usage
    /// The answer's body as one line of JSON (see `ResponseBody`); empty without an answer.
    package var body: ArraySlice<UInt8>

    /// A record of a finished line.
    package init(
        ordinal: Int, kind: OutcomeKind, statusCode: Int = 0, customID: ArraySlice<UInt8>, requestID: String = "",
        attempts: Int = 0, lastError: String = "", startedMilliseconds: Int64 = 0, durationMilliseconds: Int64 = 0,
        workerID: String? = nil, backend: String = "", usage: Usage = Usage(), body: ArraySlice<UInt8> = []
    ) {
        self.ordinal = ordinal
        self.kind = kind
        self.statusCode = statusCode
        self.customID = customID
        self.requestID = requestID
        self.attempts = attempts
        self.lastError = lastError
        self.startedMilliseconds = startedMilliseconds
        self.durationMilliseconds = durationMilliseconds
        self.workerID = workerID
        self.backend = backend
        self.usage = usage
        self.body = body
    }

    /// True when it belongs in the output file.
    package var isSuccess: Bool { kind == .success }
}
