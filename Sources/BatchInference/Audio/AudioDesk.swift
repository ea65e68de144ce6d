// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Curl

/// Makes an audio line ready to be sent: finds its file and puts it into a form.
///
/// That happens before the line has a place at its backend, so that a slow file server idles none: the line comes back
/// with its form, not having been tried, and is started again.
final class AudioDesk: Sendable {
    /// Bytes of files in memory.
    let budget: FileBudget
    private let rules: AudioRules
    private let engines: CallEngines

    /// A desk that fetches with an engine of its own.
    init(rules: AudioRules, engines: CallEngines) {
        self.rules = rules
        self.engines = engines
        budget = FileBudget(rules)
    }

    /// What became of the preparation.
    typealias Done = @Sendable (AttemptResult) -> Void

    /// Prepares `request`; returns at once what is known at once, else nil, and calls `done` later.
    func prepare(
        _ request: LineRequest, for backend: Backend, draft: OutcomeDraft, timeLeft: Duration, as call: CallHandle,
        _ done: @escaping Done
    ) -> AttemptResult? {
        let line: AudioLine
        do throws(AudioLine.Fault) {
            line = try AudioLine(request.body.withUnsafeBytes { Array($0) })
        } catch {
            return .finished(draft.failure(error.code, error.message))
        }
        let now = ContinuousClock.now
        switch line.source {
        case .data(let data):
            guard data.bytes.count <= rules.fileBytesMax else {
                return .finished(draft.failure(Self.tooLarge, tooLarge))
            }
            guard let hold = budget.take(data.bytes.count, at: now) else { return Self.later }
            return ready(line, data.bytes, AudioFileName.of(type: data.type), data.type, hold)
        case .url(let url):
            guard let hold = budget.take(rules.fileBytesMax, at: now) else { return Self.later }
            let judge = FetchJudge(request: request, backend: backend, draft: draft, rules: rules, timeLeft: timeLeft)
            let running = engines.fetching.start(get(url, timeLeft)) { [self] reply in
                done(finish(line, url, hold, judge, reply))
            }
            call.attach(running)
            return nil
        }
    }

    private func finish(
        _ line: AudioLine, _ url: String, _ hold: FileHold, _ judge: FetchJudge,
        _ reply: Result<HTTPResponse, CurlError>
    ) -> AttemptResult {
        let response: HTTPResponse
        switch judge.judge(reply) {
        case .usable(let usable): response = usable
        case .decided(let result):
            // Before the line goes on, so that the next one finds the room.
            hold.shrink(to: 0)
            return result
        }
        let type = response.headers.first("Content-Type") ?? ""
        hold.shrink(to: response.body.count)
        return ready(line, response.body, AudioFileName.of(url: url, type: type), type, hold)
    }

    private func get(_ url: String, _ timeLeft: Duration) -> HTTPRequest {
        let limit = min(rules.fetchTimeout, timeLeft)
        return HTTPRequest(
            url: url, timeouts: Timeouts(connect: limit, firstByte: limit, idle: limit, total: limit),
            responseBytesMax: rules.fileBytesMax, followsRedirects: true, addressRule: rules.addressRule)
    }

    private func ready(
        _ line: AudioLine, _ file: [UInt8], _ name: String, _ type: String, _ hold: FileHold
    ) -> AttemptResult {
        let form = AudioForm.bytes(line.fields, file: file, name: name, type: AudioFileName.type(type))
        let upload = LineUpload(form, hold: hold)
        budget.keep(upload, at: .now)
        return .again(RetryOrder(after: .zero, because: "", isCounted: false, isTry: false, upload: upload))
    }

    /// No room at the moment. The wait differs from line to line, so that they do not all come back at once.
    private static var later: AttemptResult {
        .again(
            RetryOrder(
                after: .milliseconds(Int.random(in: 50...500)), because: "no room for the line's file",
                isCounted: false, isTry: false))
    }

    /// The file is larger than allowed.
    static let tooLarge = "file_too_large"

    private var tooLarge: String { FetchJudge.tooLarge(rules) }
}
