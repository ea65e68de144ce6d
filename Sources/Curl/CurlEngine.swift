// SPDX-License-Identifier: Apache-2.0
package import Logging
import Synchronization

/// An HTTP/1.1 client: one thread, one libcurl multi handle, up to 1,000 transfers at a time.
///
/// Ignores proxy settings of the environment, netrc files and cookies; speaks http and https only; sends paths as
/// written. Keep-alive connections are shared by all requests of an engine: use an engine each where that matters.
/// When the server closes an idle connection just as a request is sent on it, libcurl repeats the request on a new
/// connection by itself, provided no byte of an answer had come.
///
/// Cheapest with `PreparedHeaders` shared by many requests and bodies that are views into longer-lived memory.
package final class CurlEngine: Sendable {
    private let loop: EngineLoop

    /// Starts the engine's thread. Should that fail (no memory, no threads), the reason is logged and every request
    /// fails with `shutdown`.
    package init(_ configuration: EngineConfiguration, logger: Logger? = nil) {
        loop = EngineLoop(configuration, logger: logger)
        loop.start()
    }

    deinit { loop.requestStop() }

    /// Transfers that hold a connection or are getting one, at this moment.
    package var inFlight: Int { loop.inFlight.load(ordering: .relaxed) }

    /// Whether the caller is on the engine's own thread, where answers are told: a request started there needs no wake.
    package var isCurrentThread: Bool { loop.thread.load(ordering: .relaxed) == EngineThread.current }

    /// Sends the request and collects the answer, whatever its status. Cancelling the task aborts the transfer.
    package func perform(_ request: HTTPRequest) async throws(CurlError) -> HTTPResponse {
        try await run(Transfer(request))
    }

    /// Sends the request and returns when the answer's head has come; the body follows piece by piece.
    ///
    /// `responseBytesMax` counts here too: raise it for large downloads.
    package func download(_ request: HTTPRequest) async throws(CurlError) -> HTTPDownload {
        let channel = DownloadChannel(bufferBytesMax: loop.configuration.downloadBufferBytes)
        let transfer = Transfer(request, channel: channel)
        let lease = DownloadLease(channel: channel, transfer: transfer, loop: loop)
        let head = try await run(transfer)
        return HTTPDownload(
            status: head.status, headers: head.headers, body: DownloadBody(lease: lease),
            isDelimitedByClose: head.isDelimitedByClose)
    }

    /// Sends a body read piece by piece while it goes out, and collects the answer.
    ///
    /// - Parameter progress: told on the engine's thread how many body bytes were taken so far; falls back to a lower
    ///   number when the body is sent again. Must return quickly.
    package func upload(
        _ request: HTTPRequest, body: UploadBody, progress: (@Sendable (Int64) -> Void)? = nil
    ) async throws(CurlError) -> HTTPResponse {
        try await run(Transfer(request, upload: body, progress: progress))
    }

    /// Aborts every transfer with `shutdown` and waits for the thread to end its work. May be called again.
    package func shutdown() async {
        await loop.stop()
    }

    /// Sends the request and hands the answer to `done`, without a task that waits for it: for callers with
    /// thousands of requests in flight.
    ///
    /// `done` is called exactly once, on the engine's thread, where it must not wait; when the engine has stopped, at
    /// once.
    package func start(
        _ request: HTTPRequest, _ done: @escaping @Sendable (Result<HTTPResponse, CurlError>) -> Void
    ) -> RunningRequest {
        let transfer = Transfer(request)
        loop.send(.submit(transfer, done))
        return RunningRequest(transfer: transfer, loop: loop)
    }

    private func run(_ transfer: Transfer) async throws(CurlError) -> HTTPResponse {
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                loop.send(.submit(transfer, { continuation.resume(returning: $0) }))
            }
        } onCancel: {
            loop.send(.cancel(transfer))
        }
        return try result.get()
    }
}

/// A request that was started and may be aborted.
package struct RunningRequest: Sendable {
    fileprivate let transfer: Transfer
    fileprivate let loop: EngineLoop

    /// Aborts the request, which then fails with `cancelled`; void when it has ended.
    package func abort() {
        loop.send(.cancel(transfer))
    }
}
