// SPDX-License-Identifier: Apache-2.0

internal import Curl

/// Many callers of batch chat at once, each with one request under way and as patient as the vendor's SDKs: what may
/// pass is sent again until the request's time is over. (contracts: Ark runtime retry behaviour)
package struct ChatLoad: Sendable {
    private let plan: ChatPlan
    private let tally: ChatTally
    private let engines: [CurlEngine]
    private let headers: HTTPHeaders
    private let breaker = ChatBreaker()

    /// Requests that one engine has under way; beyond, libcurl's cost for each grows.
    private static let perEngine = 1_000
    /// Largest answer that is accepted, in bytes.
    private static let answerBytesMax = 64 << 20

    /// A load that counts into `tally`.
    package init(_ plan: ChatPlan, tally: ChatTally, userAgent: String) {
        self.plan = plan
        self.tally = tally
        engines = (0..<max((plan.callers + Self.perEngine - 1) / Self.perEngine, 1)).map { number in
            CurlEngine(
                EngineConfiguration(
                    connectionsMax: Self.perEngine, userAgent: userAgent, threadName: "callers \(number)"))
        }
        var fields = [("Content-Type", "application/json"), ("Accept", "application/json")]
        if let key = plan.apiKey { fields.append(("Authorization", "Bearer \(key)")) }
        if !plan.isDurable { fields.append(("X-Shardline-Durable", "false")) }
        headers = HTTPHeaders(fields)
    }

    /// Runs all of it; returns early when the task is cancelled, after the requests under way have been given up.
    ///
    /// - Parameter body: what a caller sends as its task of that number, both from 0.
    package func run(_ body: @escaping @Sendable (_ caller: Int, _ task: Int) -> [UInt8]) async {
        await withDiscardingTaskGroup { group in
            for caller in 0..<plan.callers {
                group.addTask { await work(caller, body) }
            }
        }
        for engine in engines { await engine.shutdown() }
    }

    private func work(_ caller: Int, _ body: @Sendable (Int, Int) -> [UInt8]) async {
        for task in 0..<plan.tasks where !Task.isCancelled {
            let began = ContinuousClock.now
            switch await answer(engines[caller % engines.count], SharedBytes(body(caller, task)), began) {
            case .answered: tally.answered(after: .now - began)
            case .failed(let status, let message): tally.failed(status: status, message)
            case .interrupted: tally.interrupted()
            }
        }
    }

    private enum End {
        case answered
        case failed(status: Int, String)
        case interrupted
    }

    /// Sends one request until something comes of it.
    private func answer(_ engine: CurlEngine, _ body: SharedBytes, _ began: ContinuousClock.Instant) async -> End {
        let deadline = began + plan.timeout
        var attempt = 0
        var last: End = .failed(status: 0, "no answer within \(plan.timeout)")
        while true {
            while let wait = breaker.wait() {
                guard .now + wait < deadline else { return last }
                guard await slept(wait) else { return .interrupted }
            }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return last }
            let pause: Duration
            do throws(CurlError) {
                let response = try await engine.perform(request(body, left))
                guard let next = judge(response, &last) else { return last }
                pause = next
            } catch {
                guard error.code != .cancelled, error.code != .shutdown else { return .interrupted }
                last = .failed(status: 0, error.message)
                guard error.isRetryable else { return last }
                pause = Self.backoff(attempt)
                tally.retried(status: 0)
            }
            attempt += 1
            if pause > .zero {
                guard .now + pause < deadline else { return last }
                guard await slept(pause) else { return .interrupted }
            }
        }
    }

    /// What an answer comes to, in `last`; how long to pause before the next attempt, nil when there is none.
    private func judge(_ response: HTTPResponse, _ last: inout End) -> Duration? {
        switch response.status {
        case 200..<300:
            last = response.body.isEmpty ? .failed(status: response.status, "an empty answer") : .answered
            return nil
        case 408, 409, 429, 500...:
            last = Self.refusal(response)
            tally.retried(status: response.status)
            guard
                case .seconds(let seconds)? = response.headers.first("Retry-After").flatMap(RetryAfter.init(parsing:)),
                seconds > 0
            else { return .seconds(1) }
            breaker.close(for: .seconds(min(seconds, 3_600)))
            return .zero
        default:
            last = Self.refusal(response)
            return nil
        }
    }

    private static func refusal(_ response: HTTPResponse) -> End {
        let refusal = Refusal(status: response.status, headers: response.headers, body: response.body)
        return .failed(status: response.status, "HTTP \(response.status): \(refusal.message)")
    }

    private func request(_ body: SharedBytes, _ left: Duration) -> HTTPRequest {
        HTTPRequest(
            method: "POST", url: plan.base + "/batch/chat/completions", headers: headers, body: body,
            timeouts: Timeouts(connect: .seconds(60), firstByte: nil, idle: nil, total: left),
            responseBytesMax: Self.answerBytesMax)
    }

    /// The pause after a broken connection: 0.5 s, doubled each time, at most 8 s, less a random quarter.
    private static func backoff(_ attempt: Int) -> Duration {
        .seconds(min(0.5 * Double(1 << min(attempt, 10)), 8) * (1 - .random(in: 0...0.25)))
    }

    private func slept(_ duration: Duration) async -> Bool {
        do {
            try await Task.sleep(for: duration)
            return true
        } catch {
            return false
        }
    }
}
