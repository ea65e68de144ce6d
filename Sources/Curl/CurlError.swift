// SPDX-License-Identifier: Apache-2.0

/// Why a transfer failed, how far it had come, and whether trying again can help.
package struct CurlError: Error, Sendable, CustomStringConvertible {
    /// What went wrong. A closed list: switch over it without a default.
    package enum Code: Sendable, Hashable {
        /// The host name has no address, or the resolver did not answer.
        case couldNotResolve
        /// No address of the host accepted the connection.
        case couldNotConnect
        /// The connection broke, or the answer ended before its announced end.
        case connectionLost
        /// `Timeouts.connect` ran out.
        case timeoutConnect
        /// `Timeouts.firstByte` ran out.
        case timeoutFirstByte
        /// `Timeouts.idle` ran out.
        case timeoutIdle
        /// `Timeouts.total` ran out.
        case timeoutTotal
        /// Handshake or certificate failure.
        case tls
        /// Body above `responseBytesMax`, or header above the engine's limit.
        case responseTooLarge
        /// The address guard let no address through.
        case addressRefused
        /// The Swift task was cancelled, or the download's consumer went away.
        case cancelled
        /// The peer does not speak proper HTTP (framing, encoding, version, too many redirects).
        case protocolError
        /// Not a usable http or https URL.
        case badURL
        /// Method or header field that cannot be sent.
        case badRequest
        /// A file of the upload body could not be read as declared.
        case bodyUnreadable
        /// The engine's waiting queue is full (`EngineConfiguration.waitingMax`).
        case queueFull
        /// The engine was shut down.
        case shutdown
        /// Any other result of libcurl (its `CURLcode`).
        case other(Int)
    }

    /// How far the transfer had come.
    package enum Phase: String, Sendable {
        /// Nothing was sent: waiting, resolving, connecting, handshake.
        case connecting
        /// The request was being sent.
        case sending
        /// The request was sent; no byte of the answer had come.
        case waiting
        /// The answer had begun.
        case receiving
    }

    /// What went wrong.
    package var code: Code
    /// One sentence for people, naming host and port but neither path, query nor credentials.
    package var message: String
    /// The address that was refused, with `addressRefused`. For the operator's log: told to a user it would reveal the
    /// names and addresses of the network behind this service.
    package var refusedAddress: String?
    /// How far the transfer had come.
    package var phase: Phase
    /// Body bytes handed to the network.
    package var bytesSent: Int64
    /// Whether the server may have seen the request, so that repeating it may do its work twice.
    package var mayHaveReachedServer: Bool

    /// An error; also made by tests of callers.
    package init(
        _ code: Code, _ message: String, phase: Phase = .connecting, bytesSent: Int64 = 0,
        mayHaveReachedServer: Bool = false
    ) {
        self.code = code
        self.message = message
        self.phase = phase
        self.bytesSent = bytesSent
        self.mayHaveReachedServer = mayHaveReachedServer
    }

    /// Whether the same request may succeed when tried again later: faults of network and peer, not of the request
    /// or the caller.
    package var isRetryable: Bool {
        switch code {
        case .couldNotResolve, .couldNotConnect, .connectionLost, .timeoutConnect, .timeoutFirstByte, .timeoutIdle,
            .timeoutTotal, .tls, .protocolError, .queueFull, .other:
            true
        case .responseTooLarge, .addressRefused, .cancelled, .badURL, .badRequest, .bodyUnreadable, .shutdown:
            false
        }
    }

    /// Message and phase, for logs.
    package var description: String { "\(message) (\(code), \(phase.rawValue))" }

    /// The request itself cannot be sent as it is; nothing was.
    static func badRequest(_ message: String) -> CurlError { CurlError(.badRequest, message) }

    /// libcurl had no memory for `thing` (CURLE_OUT_OF_MEMORY).
    static func outOfMemory(_ thing: String) -> CurlError { CurlError(.other(27), "out of memory for \(thing)") }

    static let shutDown = CurlError(.shutdown, "the HTTP engine was shut down")
}
