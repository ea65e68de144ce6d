// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Curl

/// Sends finished results to a URL with one PUT, as often as the rule allows. (contracts: vLLM `run-batch`, output)
struct ResultUpload: Sendable {
    /// Where they go.
    let url: OutboundURL
    /// How often and how long.
    let rule: UploadRule
    /// Sends them.
    let engine: CurlEngine
    /// Where it tells how far it is.
    let board: ProgressBoard

    /// Longest part of a refusal that is shown, in bytes.
    private static let shownBytes = 300

    /// Sends the file at `path`.
    ///
    /// - Throws: ``RunError`` that says where the results are, when every try failed.
    func send(_ path: String, byteCount: Int64) async throws {
        board.begin(.uploading, total: byteCount)
        let request = HTTPRequest(
            method: "PUT", url: url.text,
            timeouts: Timeouts(firstByte: rule.timeout, idle: rule.timeout, total: rule.timeout),
            responseBytesMax: 1 << 20)
        var cause = ""
        for attempt in 1...max(rule.attempts, 1) {
            if attempt > 1 { try await Task.sleep(for: rule.pause) }
            do throws(CurlError) {
                let body = UploadBody([.file(path: path, offset: 0, length: byteCount)])
                let response = try await engine.upload(request, body: body) { board.update(done: $0) }
                if (200...299).contains(response.status) { return }
                cause =
                    "HTTP \(response.status) " + String(decoding: response.body.prefix(Self.shownBytes), as: UTF8.self)
            } catch {
                cause = error.description
            }
            try Task.checkCancellation()
        }
        throw RunError(
            .unreachable,
            "cannot send the results to \(OutputPlace.url(url).name) in \(rule.attempts) tries (\(cause)): they are "
                + "all in \(path); run the same command with --resume to send them again")
    }
}
