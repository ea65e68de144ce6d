// SPDX-License-Identifier: Apache-2.0
package import Curl
package import Logging
import Synchronization

/// Asks backends how they are: whether they are healthy, and whether live requests wait at them.
///
/// Only backends with a `healthPath`, or with `yieldsToLive`, are asked. The owner calls ``poll()`` in a loop.
package final class BackendProber: Sendable {
    /// Time between two questions whether live requests wait.
    package static let waitingEvery = Duration.seconds(1)
    /// Longest time for an answer, unless `healthEvery` is shorter.
    package static let answerTimeout = Duration.seconds(5)
    private static let answerBytesMax = 4 << 20

    /// A question that is asked again and again.
    private struct Question: Sendable {
        let backend: Backend
        let kind: Kind
        let url: String
        let every: Duration
    }

    private enum Kind: Sendable {
        case health
        case waiting
    }

    private let engine: CurlEngine
    private let logger: Logger
    private let questions: [Question]
    /// When each question is due.
    private let dueAt: Mutex<[ContinuousClock.Instant]>
    /// The last failure of each question, so that it is logged once.
    private let failures: Mutex<[String?]>

    /// Watches the backends of `set`; every question is due at once.
    package init(_ set: BackendSet, engine: CurlEngine, logger: Logger) {
        self.engine = engine
        self.logger = logger
        questions = set.backends.flatMap { backend -> [Question] in
            let configuration = backend.configuration
            var questions: [Question] = []
            if !configuration.healthPath.isEmpty {
                questions.append(
                    Question(
                        backend: backend, kind: .health, url: backend.url(for: configuration.healthPath),
                        every: configuration.healthEvery))
            }
            if configuration.yieldsToLive {
                questions.append(
                    Question(backend: backend, kind: .waiting, url: configuration.metricsURL, every: Self.waitingEvery))
            }
            return questions
        }
        dueAt = Mutex(Array(repeating: .now, count: questions.count))
        failures = Mutex(Array(repeating: nil, count: questions.count))
    }

    /// Whether there is anything to ask.
    package var isNeeded: Bool { !questions.isEmpty }

    /// Asks every question that is due, all at once, and tells the backends what was found. Returns how long it is
    /// from `now` until the next question is due; nil when there is none.
    package func poll(at now: ContinuousClock.Instant = .now) async -> Duration? {
        let due = dueAt.withLock { dueAt in
            let due = dueAt.indices.filter { dueAt[$0] <= now }
            for index in due { dueAt[index] = now + questions[index].every }
            return due
        }
        await withTaskGroup(of: Void.self) { group in
            for index in due { group.addTask { await self.ask(index) } }
        }
        return dueAt.withLock { $0.min() }.map { max($0 - now, .zero) }
    }

    private func ask(_ index: Int) async {
        let question = questions[index]
        let timeout = min(question.every, Self.answerTimeout)
        // The key goes to the backend's own host only: metrics may be anywhere.
        let request = HTTPRequest(
            url: question.url, prepared: question.kind == .health ? question.backend.headers : nil,
            timeouts: Timeouts(connect: timeout, firstByte: timeout, idle: timeout, total: timeout),
            responseBytesMax: Self.answerBytesMax)
        do throws(CurlError) {
            let response = try await engine.perform(request)
            note(index, Self.hear(response, question))
        } catch {
            // The worker is stopping: that says nothing about the backend.
            guard error.code != .cancelled && error.code != .shutdown else { return }
            if question.kind == .health { question.backend.setHealth(isUp: false, at: .now) }
            note(index, error.description)
        }
    }

    /// Tells the backend; returns what was wrong.
    private static func hear(_ response: HTTPResponse, _ question: Question) -> String? {
        let isFine = (200..<300).contains(response.status)
        switch question.kind {
        case .health:
            question.backend.setHealth(isUp: isFine, at: .now)
            return isFine ? nil : "status \(response.status)"
        case .waiting:
            guard isFine else { return "status \(response.status)" }
            guard let count = WaitingRequests.count(in: String(decoding: response.body, as: UTF8.self)) else {
                return "the metrics do not show \(WaitingRequests.metric)"
            }
            question.backend.yield(toWaiting: count > 0)
            return nil
        }
    }

    private func note(_ index: Int, _ failure: String?) {
        let before = failures.withLock { failures in
            defer { failures[index] = failure }
            return failures[index]
        }
        guard (before == nil) != (failure == nil) else { return }
        let question = questions[index]
        let what = question.kind == .health ? "health check" : "look at waiting requests"
        let name = question.backend.configuration.name
        if let failure {
            logger.warning("\(what) of backend \(name) failed", metadata: ["reason": "\(failure)"])
        } else {
            logger.info("\(what) of backend \(name) succeeds again")
        }
    }
}
