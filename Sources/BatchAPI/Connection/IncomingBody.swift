// SPDX-License-Identifier: Apache-2.0

import BatchCore
import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// The body of one request, read once, piece by piece. Used by the one task that serves the request.
///
/// A client that asked with `Expect: 100-continue` is told to go on only when somebody starts to read, so a refused
/// upload is never sent. (RFC 9110 section 10.1.1)
final class IncomingBody {
    /// What Content-Length says; nil when the body is chunked or there is none.
    let declaredLength: Int64?
    /// Whether the client announced a body at all.
    let isPresent: Bool
    /// Whether all of it was read.
    private(set) var isFinished: Bool
    /// Whether reading failed: what follows on the connection can no longer be told from the body.
    private var isBroken = false
    private let request: Request
    private let channel: any Channel
    private var iterator: RequestBody.AsyncIterator?

    /// The body of `request`, which arrived on `channel`.
    init(_ request: Request, channel: any Channel) {
        self.request = request
        self.channel = channel
        self.declaredLength = request.headers[.contentLength].flatMap { Int64($0) }
        self.isPresent = (declaredLength ?? 0) > 0 || request.headers[.transferEncoding] != nil
        self.isFinished = !isPresent
    }

    /// The next bytes; nil at the end.
    ///
    /// - Throws: a 400 or 408 ``BatchCore/BatchError`` when the body breaks HTTP's rules or comes too slowly.
    func next() async throws -> ByteBuffer? {
        guard !isFinished else { return nil }
        if iterator == nil {
            if expectsContinue {
                channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)), promise: nil)
            }
            iterator = request.body.makeAsyncIterator()
        }
        do {
            guard let buffer = try await iterator?.next() else {
                isFinished = true
                return nil
            }
            return buffer
        } catch {
            isBroken = true
            throw Self.visible(error)
        }
    }

    private static func visible(_ error: any Error) -> any Error {
        switch error {
        case let error as HTTPParserError:
            BatchError.invalid(
                "The request body is not valid HTTP/1.1 (\(error)); it was cut off, or its framing headers are wrong.")
        case is BodyTooSlow:
            BatchError(
                status: 408, type: "invalid_request_error", code: "request_timeout",
                message: "The request body came too slowly or took too long; check the network and send it again.")
        default: error
        }
    }

    /// All of the body.
    ///
    /// - Parameter admit: is told the size of each piece before it is kept, and refuses it by throwing.
    /// - Throws: a 413 ``BatchCore/BatchError`` when it is longer than `limit` bytes.
    func collect(upTo limit: Int, admit: (Int) throws -> Void = { _ in }) async throws -> [UInt8] {
        if let declaredLength, declaredLength > limit { throw Self.tooLarge(limit) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(declaredLength ?? 0))
        while let buffer = try await next() {
            guard bytes.count + buffer.readableBytes <= limit else { throw Self.tooLarge(limit) }
            try admit(buffer.readableBytes)
            bytes.append(contentsOf: buffer.readableBytesView)
        }
        return bytes
    }

    /// Reads what is left when that is little, so that the connection can go on; false when it must be given up.
    func settle() async -> Bool {
        guard !isBroken else { return false }
        guard !isFinished else { return true }
        guard !expectsContinue || iterator != nil, let declaredLength, declaredLength <= Self.settleBytesMax else {
            return false
        }
        do {
            while try await next() != nil {}
            return true
        } catch {
            // Whatever is wrong with a body that nobody wanted, giving up the connection is the answer.
            return false
        }
    }

    private static let settleBytesMax: Int64 = 256 << 10

    private var expectsContinue: Bool {
        request.headers[.expect]?.lowercased() == "100-continue"
    }

    /// The 413 of a body that is longer than `limit` bytes.
    static func tooLarge(_ limit: Int) -> BatchError {
        .tooLarge("The request body is larger than \(limit) bytes, the most that this route accepts.")
    }
}
