// SPDX-License-Identifier: Apache-2.0
internal import Curl
internal import Glibc

extension Client {
    /// Downloads the content of a file, going on from the sink's position, and again after every broken connection.
    ///
    /// Patience counts attempts that brought nothing; one that brought bytes starts the count anew.
    /// - Parameters:
    ///   - bytes: the size the file must have in the end; nil takes the server's word from the answer.
    ///   - progress: told the sink's position.
    package func downloadFile(
        _ id: String, bytes: Int64? = nil, to sink: any DownloadSink, progress: TransferProgress = { _ in }
    ) async throws(ClientError) {
        var download = FileDownload(id: id, total: bytes)
        let clock = ContinuousClock()
        var began = clock.now
        var attempt = 1
        while true {
            let before = await sink.position
            progress(before)
            let failure = try await attemptDownload(&download, to: sink, progress: progress)
            guard let failure else { return }
            if await sink.position > before {
                attempt = 1
                began = clock.now
            }
            let wait = patience.wait(
                after: failure.failure, .harmless, attempt: attempt, elapsed: clock.now - began,
                jitter: .random(in: 0...1))
            guard let wait else { throw failure.error }
            try await pause(wait)
            attempt += 1
        }
    }

    /// One attempt; nil when the file is whole, else what went wrong in a way that may pass.
    private func attemptDownload(
        _ download: inout FileDownload, to sink: any DownloadSink, progress: TransferProgress
    ) async throws(ClientError) -> (failure: Failure, error: ClientError)? {
        let position = await sink.position
        if let total = download.total, position == total, total > 0 { return nil }
        if let total = download.total, position > total { _ = try await rewind(sink, download) }
        let answer: HTTPDownload
        do throws(CurlError) {
            answer = try await engine.download(request(download, from: await sink.position))
        } catch {
            return (.broke(error, isWhole: true), self.error(error, doing: download.doing))
        }
        switch download.plan(answer.status, answer.headers, position: await sink.position) {
        case .take(let skip):
            return try await receive(answer, skipping: skip, &download, to: sink, progress: progress)
        case .startOver:
            try await rewind(sink, download)
            let isWhole = answer.status == 200
            if isWhole { return try await receive(answer, skipping: 0, &download, to: sink, progress: progress) }
            let lost = CurlError(.connectionLost, "the part that is here does not fit the file")
            return (.broke(lost, isWhole: true), self.error(lost, doing: download.doing))
        case .isWhole:
            return nil
        case .refuse:
            let refusal = Refusal(
                status: answer.status, headers: answer.headers, body: await Self.beginning(of: answer.body))
            let failure = Failure(status: answer.status, headers: answer.headers, now: time(nil))
            return (failure, self.error(refusal, doing: download.doing))
        }
    }

    /// Moves the body into the sink, without its first `skip` bytes, and checks that the file is whole then.
    private func receive(
        _ answer: HTTPDownload, skipping skip: Int64, _ download: inout FileDownload, to sink: any DownloadSink,
        progress: TransferProgress
    ) async throws(ClientError) -> (failure: Failure, error: ClientError)? {
        var skip = Int(clamping: skip)
        var broke: CurlError?
        var pieces = answer.body.makeAsyncIterator()
        while broke == nil {
            let piece: [UInt8]?
            do throws(CurlError) {
                piece = try await pieces.next()
            } catch {
                broke = error
                continue
            }
            guard let piece else { break }
            let fresh = skip > 0 ? Array(piece.dropFirst(skip)) : piece
            skip = max(0, skip - piece.count)
            if fresh.isEmpty { continue }
            try await sink.write(fresh)
            progress(await sink.position)
        }
        let position = await sink.position
        if broke == nil, let total = download.total, position != total {
            broke = CurlError(.connectionLost, "got \(position) of \(total) bytes")
        }
        guard let broke else { return nil }
        return (.broke(broke, isWhole: true), error(broke, doing: download.doing))
    }

    @discardableResult
    private func rewind(_ sink: any DownloadSink, _ download: FileDownload) async throws(ClientError) -> Bool {
        guard try await sink.rewind() else {
            throw .interrupted(
                server: address.description, doing: download.doing,
                why: "it broke, and the server cannot go on from the middle: save to a file with --output")
        }
        return true
    }

    private func request(_ download: FileDownload, from position: Int64) -> HTTPRequest {
        var fields = [("Accept", "application/octet-stream, */*;q=0.1")]
        if position > 0 {
            fields.append(("Range", "bytes=\(position)-"))
            if let tag = download.strongTag { fields.append(("If-Range", tag)) }
        }
        return HTTPRequest(
            url: address.url("/files/\(ServerAddress.encode(download.id))/content"), headers: headers(fields),
            timeouts: Timeouts(connect: .seconds(10), firstByte: .seconds(60), idle: .seconds(60), total: nil),
            responseBytesMax: .max)
    }

    /// The first bytes of an error's body.
    private static func beginning(of body: DownloadBody) async -> [UInt8] {
        var bytes: [UInt8] = []
        var pieces = body.makeAsyncIterator()
        while bytes.count < 64 << 10, let piece = try? await pieces.next() { bytes += piece }
        return bytes
    }
}
