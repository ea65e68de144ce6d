// SPDX-License-Identifier: Apache-2.0

import BatchCore
import HTTPTypes
import HummingbirdCore
import Logging

/// What the log says about one request: no bodies, no keys, no query strings.
struct AccessRecord {
    /// The request's name.
    let requestID: String
    /// The path without its query, made harmless for a log.
    let path: String
    /// The tenant, once the key was recognised.
    var project: ProjectID?
    /// What really went wrong, when the client was not told.
    var cause: String?
    /// Whether the server is to blame although the status says otherwise: the answer broke off half-way.
    var isFault = false
    private let method: String
    private let clientRequestID: String?

    /// A record of `request`.
    init(request: Request, requestID: String) {
        self.requestID = requestID
        self.path = Self.printable(request.uri.path, max: 256)
        self.method = Self.printable(request.method.rawValue, max: 16)
        self.clientRequestID = request.headers[.clientRequestID].map { Self.printable($0, max: 128) }
    }

    /// Writes the line: debug for success, info for refusals, error for faults.
    func write(to logger: Logger, status: Int, since started: ContinuousClock.Instant) {
        let level: Logger.Level = status >= 500 || isFault ? .error : status >= 400 ? .info : .debug
        var metadata: Logger.Metadata = [
            "request_id": "\(requestID)", "method": "\(method)", "path": "\(path)", "status": "\(status)",
            "milliseconds": "\(started.duration(to: .now).milliseconds)",
        ]
        if let project { metadata["project"] = "\(project)" }
        if let clientRequestID { metadata["client_request_id"] = "\(clientRequestID)" }
        if let cause { metadata["error"] = "\(Self.printable(cause, max: 1_024))" }
        logger.log(level: level, "request", metadata: metadata)
    }

    /// `text` with everything but printable ASCII replaced, and cut: nothing in it can forge a line.
    private static func printable(_ text: String, max: Int) -> String {
        let bytes = text.utf8.prefix(max).map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
        return String(decoding: bytes, as: UTF8.self)
    }
}
