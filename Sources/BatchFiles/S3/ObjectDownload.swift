// SPDX-License-Identifier: Apache-2.0

internal import Curl
internal import Synchronization

/// The bytes of an object in order. When the connection breaks they go on from where they stopped, provided the object
/// is still the same; bytes are never lost, repeated or mixed from two versions.
///
/// One user at a time; dropping it ends the transfer.
package final class ObjectDownload: Sendable {
    /// Where the bytes come from, and how to ask for them again.
    struct Source: Sendable {
        /// What is being done, for errors; follows "cannot".
        let operation: String
        /// The object, for errors.
        let place: String
        /// Connections in a row that may bring nothing before the download is given up.
        let attemptsMax: Int
        /// Opens the object; gets the values for `Range` and `If-Match`, and throws what no further try can help.
        let open: @Sendable (_ range: String?, _ tag: String?) async throws -> HTTPDownload

        /// An error about this object.
        func fault(_ reason: S3Error.Reason) -> S3Error {
            S3Error(reason, operation: operation, place: place)
        }
    }

    /// Size of the whole object in bytes; nil when the server did not say.
    package let objectBytes: Int64?
    /// Entity tag without quotes; empty when there is none.
    package let entityTag: String
    /// Whether a broken connection can be told from the end of the object: not where the server announces no length and
    /// ends by closing.
    package let hasCertainEnd: Bool

    private struct State {
        var iterator: DownloadBody.AsyncIterator
        /// Offset in the object of the next byte.
        var position: Int64
        /// Connections in a row that brought nothing.
        var failures = 0
    }

    private let source: Source
    /// Offset after the last byte wanted; nil when the server did not say how much there is.
    private let end: Int64?
    private let ifMatch: String?
    private let state: Mutex<State>

    private init(_ source: Source, _ first: HTTPDownload, range: Range<Int64>?) throws {
        let length = first.headers.first("Content-Length").flatMap { Int64($0) }
        if let range {
            let answered = try Self.contentRange(first, source)
            guard answered.first == range.lowerBound else {
                throw source.fault(.damaged("the server sent another range than the one asked for"))
            }
            objectBytes = answered.total
            end = min(range.upperBound, answered.total)
        } else {
            objectBytes = length
            end = length
        }
        hasCertainEnd = end != nil || !first.isDelimitedByClose
        entityTag = S3Answer.entityTag(first.headers.first("ETag"))
        // A weak tag does not promise the same bytes.
        ifMatch = first.headers.first("ETag").flatMap { $0.hasPrefix("W/") ? nil : $0 }
        self.source = source
        state = Mutex(State(iterator: first.body.makeAsyncIterator(), position: range?.lowerBound ?? 0))
    }

    /// Asks for the object, or a range of it, and returns when the head of the answer is there.
    static func open(_ source: Source, range: Range<Int64>?) async throws -> ObjectDownload {
        let text = range.map { "bytes=\($0.lowerBound)-\(max($0.lowerBound, $0.upperBound - 1))" }
        return try ObjectDownload(source, try await source.open(text, nil), range: range)
    }

    /// The next bytes, of any number but none; nil at the end.
    package func next() async throws -> [UInt8]? {
        while true {
            let (position, failures) = state.withLock { ($0.position, $0.failures) }
            if let end, position == end { return nil }
            do {
                var iterator = state.withLock { $0.iterator }
                if let piece = try await iterator.next() { return try take(piece) }
                guard end != nil else { return nil }
                throw CurlError(.connectionLost, "the answer ended before its announced end", phase: .receiving)
            } catch let error as CurlError {
                try Task.checkCancellation()
                guard error.isRetryable, end != nil, ifMatch != nil, failures + 1 < source.attemptsMax else {
                    throw source.fault(.network(error))
                }
                state.withLock { $0.failures += 1 }
            }
            try await reopen(at: position)
        }
    }

    private func take(_ piece: [UInt8]) throws -> [UInt8] {
        try state.withLock { state in
            state.position += Int64(piece.count)
            state.failures = 0
            if let end, state.position > end {
                throw source.fault(.damaged("the server sent more bytes than it announced"))
            }
            return piece
        }
    }

    private func reopen(at position: Int64) async throws {
        guard let end else { return }
        let download: HTTPDownload
        do {
            download = try await source.open("bytes=\(position)-\(end - 1)", ifMatch)
        } catch let error as S3Error where error.status == 412 {
            throw source.fault(.damaged("it was changed while it was being read"))
        }
        let answered = try Self.contentRange(download, source)
        guard answered.first == position, answered.total == objectBytes,
            S3Answer.entityTag(download.headers.first("ETag")) == entityTag
        else { throw source.fault(.damaged("it was changed while it was being read")) }
        state.withLock { $0.iterator = download.body.makeAsyncIterator() }
    }

    /// `bytes first-last/total` of an answer with a part of the object. (RFC 9110 §14.4)
    private static func contentRange(
        _ download: HTTPDownload, _ source: Source
    ) throws -> (first: Int64, total: Int64) {
        let text = download.headers.first("Content-Range") ?? ""
        let parts = text.drop { $0 == " " }.split { " -/".contains($0) }
        guard download.status == 206, parts.count == 4, parts[0].lowercased() == "bytes",
            let first = Int64(parts[1]), let last = Int64(parts[2]), let total = Int64(parts[3]), first <= last,
            last < total
        else {
            throw source.fault(.damaged("the server does not answer with the range asked for"))
        }
        return (first, total)
    }
}
