// SPDX-License-Identifier: Apache-2.0

/// An answer whose head has arrived and whose body is still coming.
package struct HTTPDownload: Sendable {
    /// Status code.
    package let status: Int
    /// Fields of the final answer.
    package let headers: HTTPHeaders
    /// Body bytes. Dropping it, or its iterator, before the end aborts the transfer.
    package let body: DownloadBody

    /// As `HTTPResponse.isDelimitedByClose`: the end of the body cannot be told from a broken connection.
    package let isDelimitedByClose: Bool
}

/// Body of a download: pieces of unspecified size, none empty. One consumer; the connection is paused while the
/// consumer lags behind, so memory stays flat.
package struct DownloadBody: AsyncSequence, Sendable {
    package typealias Element = [UInt8]
    package typealias Failure = CurlError

    let lease: DownloadLease

    /// The one iterator: a second one would share the bytes with the first.
    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(lease: lease) }

    /// Fetches piece after piece.
    package struct AsyncIterator: AsyncIteratorProtocol {
        let lease: DownloadLease

        /// Next piece; nil at the end. Cancelling the task aborts the transfer.
        package mutating func next() async throws(CurlError) -> [UInt8]? {
            try await lease.next()
        }

        /// Next piece; nil at the end. Cancelling the task aborts the transfer.
        package mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(CurlError) -> [UInt8]? {
            try await lease.next()
        }
    }
}

/// Holds a download open for its consumer; the transfer is aborted when the last holder lets go.
final class DownloadLease: Sendable {
    private let channel: DownloadChannel
    private let transfer: Transfer
    private let loop: EngineLoop

    init(channel: DownloadChannel, transfer: Transfer, loop: EngineLoop) {
        self.channel = channel
        self.transfer = transfer
        self.loop = loop
    }

    deinit { loop.send(.cancel(transfer)) }

    func next() async throws(CurlError) -> [UInt8]? {
        let delivery = await withTaskCancellationHandler {
            await channel.fetch { loop.send(.resume(transfer)) }
        } onCancel: {
            loop.send(.cancel(transfer))
        }
        return try delivery.get()
    }
}
