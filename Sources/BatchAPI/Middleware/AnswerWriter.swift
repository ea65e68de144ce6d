// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes

/// An answer could not be sent to its end.
enum AnswerFault: Error {
    /// The stream gave fewer or more bytes than were promised.
    case wrongLength(promised: Int64, given: Int64)
}

/// Puts answers on the wire.
enum AnswerWriter {
    /// Sends an answer. Streams are sent with at most two pieces in memory: the next is read while one is being sent.
    ///
    /// A stream that fails in the middle cuts the connection: with Content-Length announced, no client can take what it
    /// got for the whole.
    static func send(
        _ answer: Answer, head: HTTPResponse, isHead: Bool, _ writer: consuming ResponseWriter, _ channel: any Channel
    ) async throws {
        switch answer.body {
        case .bytes(let bytes):
            let body = isHead ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            try await writer.write(response: head, body: body)
        case .stream(_, _, let end) where isHead:
            end()
            try await writer.write(response: head, body: ResponseBody())
        case .stream(let length, let next, let end):
            defer { end() }
            do {
                try await stream(length: length, next, head: head, channel)
            } catch {
                channel.close(mode: .all, promise: nil)
                throw error
            }
        }
    }

    /// Writes past the response writer, because that returns before the bytes have left, and so reads far ahead of a
    /// slow client; the channel's own promise is kept when they have.
    private static func stream(
        length: Int64?, _ next: () async throws -> [UInt8]?, head: HTTPResponse, _ channel: any Channel
    ) async throws {
        // The explicit type chooses the overload that does not wait.
        var sending: EventLoopFuture<Void> = channel.writeAndFlush(HTTPResponsePart.head(head))
        var given: Int64 = 0
        while let piece = try await next() {
            given += Int64(piece.count)
            if let length, given > length { break }
            try await sending.get()
            try Task.checkCancellation()
            sending = channel.writeAndFlush(HTTPResponsePart.body(ByteBuffer(bytes: piece)))
        }
        try await sending.get()
        if let length, given != length { throw AnswerFault.wrongLength(promised: length, given: given) }
        try await channel.writeAndFlush(HTTPResponsePart.end(nil))
    }
}
