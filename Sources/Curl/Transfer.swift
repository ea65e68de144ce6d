// SPDX-License-Identifier: Apache-2.0

/// One request on its way through the engine. Created by the caller; from submission on, the `var`s belong to the
/// engine thread, which is why the type may be passed between threads.
final class Transfer: @unchecked Sendable {
    /// Called exactly once: with the whole answer, or for a download with its head. On the engine thread, or at once
    /// on the caller's when the engine has stopped.
    typealias Listener = @Sendable (Result<HTTPResponse, CurlError>) -> Void

    /// What to send.
    let request: HTTPRequest
    /// Where the body goes while it arrives; nil collects it.
    let channel: DownloadChannel?
    /// Source of a streamed request body; nil sends `request.body`. Engine thread only.
    let upload: UploadReader?
    /// Whether the streamed body's length is announced.
    let announcesLength: Bool
    /// Told how many bytes of the streamed body were taken, on the engine thread.
    let progress: (@Sendable (Int64) -> Void)?

    /// Judge of its time limits.
    var clock: TransferClock
    /// The handle it runs on; nil while waiting and when finished.
    var slot: TransferSlot?
    /// Its place in the engine's list of running transfers while it has a slot.
    var index = 0
    /// Set when cancellation overtakes submission.
    var isCancelled = false
    /// Set once the outcome is known; whatever arrives later is void.
    var isFinished = false
    /// Who waits for the answer; nil once told.
    var listener: Listener?

    /// A transfer not yet submitted.
    init(
        _ request: HTTPRequest, channel: DownloadChannel? = nil, upload: UploadBody? = nil,
        progress: (@Sendable (Int64) -> Void)? = nil
    ) {
        self.request = request
        self.channel = channel
        self.upload = upload.map(UploadReader.init)
        announcesLength = upload?.announcesLength ?? true
        self.progress = progress
        clock = TransferClock(
            request.timeouts, bodyCount: upload?.count ?? Int64(request.body?.count ?? 0), now: MonotonicTime.now())
    }

    /// Bytes of the request body.
    var bodyCount: Int64 { upload?.count ?? Int64(request.body?.count ?? 0) }

    /// Tells the caller the outcome, once.
    func answer(_ result: Result<HTTPResponse, CurlError>) {
        let waiting = listener
        listener = nil
        waiting?(result)
    }

    /// Ends the transfer: tells whoever still waits.
    func finish(_ result: Result<HTTPResponse, CurlError>) {
        isFinished = true
        answer(result)
        channel?.finish(result.map { _ in () })
    }
}
