// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Curl
import Loops

/// Decides what the end of a fetch means for its line. It says nothing about the backend.
struct FetchJudge: Sendable {
    /// What comes of it.
    enum Judgement {
        /// The file is there.
        case usable(HTTPResponse)
        /// It is not, and so the line goes on.
        case decided(AttemptResult)
    }

    /// The line.
    let request: LineRequest
    /// Whose rules for attempts hold.
    let backend: Backend
    /// What is known of the attempt.
    let draft: OutcomeDraft
    /// How files are fetched.
    let rules: AudioRules
    /// What was left of the window when the fetch began.
    let timeLeft: Duration

    /// The file cannot be had.
    static let unreachable = "file_url_unreachable"
    /// The URL may not be called.
    static let notAllowed = "file_url_not_allowed"

    /// Judges the end of a fetch.
    func judge(_ reply: Result<HTTPResponse, CurlError>) -> Judgement {
        switch reply {
        case .success(let response): judge(response)
        case .failure(let error): .decided(judge(error))
        }
    }

    private func judge(_ response: HTTPResponse) -> Judgement {
        switch response.status {
        case 200..<300:
            guard !response.body.isEmpty else {
                return .decided(.finished(draft.failure(Self.unreachable, "The file that file_url names is empty.")))
            }
            return .usable(response)
        case 300..<400:
            return .decided(
                .finished(
                    draft.failure(
                        Self.unreachable,
                        "The server of file_url answered with a redirect (status \(response.status)); name the "
                            + "address where the file is.")))
        case 408, 425, 429, 500...:
            let wait = response.retryAfter.map { RetryPlan.wait($0, unixSeconds: Int(WallClock.milliseconds / 1_000)) }
            return .decided(
                again(wait, "The server of file_url answered with status \(response.status), again and again."))
        default:
            return .decided(
                .finished(
                    draft.failure(
                        Self.unreachable,
                        "The server of file_url answered with status \(response.status); check the address, and "
                            + "that its permission has not run out.")))
        }
    }

    private func judge(_ error: CurlError) -> AttemptResult {
        switch error.code {
        case .timeoutConnect, .timeoutFirstByte, .timeoutIdle, .timeoutTotal:
            // Cut by the window, not by its own limit: nobody's fault, nothing to record.
            guard timeLeft > rules.fetchTimeout else { return .windowOver }
            return again(nil, "The server of file_url did not deliver the file within \(rules.fetchTimeout).")
        case .cancelled: return .aborted
        case .shutdown:
            return .again(RetryOrder(after: .seconds(1), because: error.description, isCounted: false))
        case .addressRefused, .badURL, .badRequest, .bodyUnreadable:
            // Nothing of what the name resolved to: that would show the operator's network.
            return .finished(
                draft.failure(
                    Self.notAllowed,
                    "file_url is not a public http or https URL without user name; ask the operator to allow its "
                        + "host, or write the file into the line as a data URL."))
        case .responseTooLarge: return .finished(draft.failure(AudioDesk.tooLarge, Self.tooLarge(rules)))
        case .couldNotResolve: return again(nil, "The host of file_url could not be resolved.")
        case .couldNotConnect, .connectionLost, .tls, .protocolError, .queueFull, .other:
            return again(nil, "The file could not be fetched from the server of file_url, or not to its end.")
        }
    }

    /// Another try, if the attempts of the line's backend and the window allow one.
    private func again(_ retryAfter: Duration?, _ message: String) -> AttemptResult {
        let counted = request.attempt - request.uncounted
        var generator = SystemRandomNumberGenerator()
        let delay = retryAfter ?? backend.backoff.delay(attempt: request.attempt, using: &generator)
        guard counted < backend.configuration.attemptsMax, delay < request.windowEnds - .now else {
            return .finished(draft.failure(Self.unreachable, message))
        }
        return .again(RetryOrder(after: delay, because: message))
    }

    /// The sentence about a file that is larger than allowed.
    static func tooLarge(_ rules: AudioRules) -> String {
        "The file that file_url names is larger than \(rules.fileBytesMax) bytes; shorten it, or ask the operator "
            + "for a higher limit."
    }
}
