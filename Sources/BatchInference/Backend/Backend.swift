// SPDX-License-Identifier: Apache-2.0
import Curl
package import Loops
import Synchronization

/// A backend in use: its configuration, prepared once for every call, and what decides whether a call may start.
package final class Backend: Sendable {
    /// As the operator described it.
    package let configuration: BackendConfiguration
    /// Waits between attempts when the backend does not say how long.
    package let backoff: Backoff
    /// Authorization, content type, user agent.
    let headers: PreparedHeaders
    /// The same for lines that are sent as forms.
    let formHeaders: PreparedHeaders
    private let url: BackendURL
    private let admission: Mutex<Admission>

    /// Prepares a backend.
    ///
    /// - Throws: ``InvalidBackend`` with what `validate()` found.
    init(_ configuration: BackendConfiguration, userAgent: String) throws {
        let problems = configuration.validate()
        guard problems.isEmpty, let url = BackendURL(base: configuration.baseURL) else {
            throw InvalidBackend(problems: problems)
        }
        func headers(_ contentType: String) throws(CurlError) -> PreparedHeaders {
            var fields = [("Content-Type", contentType), ("Accept", "application/json"), ("User-Agent", userAgent)]
            if let key = configuration.apiKey { fields.append(("Authorization", "Bearer \(key)")) }
            for (name, value) in configuration.headers.sorted(by: { $0.key < $1.key }) {
                fields.removeAll { $0.0.lowercased() == name.lowercased() }
                fields.append((name, value))
            }
            return try PreparedHeaders(HTTPHeaders(fields), stamped: ["X-Request-Id", "X-Client-Request-Id"])
        }
        self.configuration = configuration
        self.backoff = Backoff(first: configuration.backoffFirst, max: configuration.backoffMax)
        self.headers = try headers("application/json")
        self.formHeaders = try headers(AudioForm.contentType)
        self.url = url
        self.admission = Mutex(Admission(configuration))
    }

    /// Where lines of `endpoint` are sent.
    func url(for endpoint: String) -> String { url.joined(with: endpoint) }

    // MARK: What the worker asks

    /// Calls in flight to it from this worker.
    package var inFlight: Int { admission.withLock { $0.inFlight } }

    /// Calls that this worker could have in flight to it, were the cluster's cap no obstacle.
    package var appetite: Int { admission.withLock { $0.appetite } }

    /// This worker's places under `clusterConcurrency`; nil when there is no such cap. 0 until the first word.
    package var share: Int? { admission.withLock { $0.share } }

    /// Whether it could be given more calls than it has, so that a worker without lines should look for some.
    package var isHungry: Bool { admission.withLock { $0.isHungry } }

    /// Whether health checks say that it is away; always false without a `healthPath`.
    package var isDown: Bool { admission.withLock { $0.isDown } }

    /// How long no call was answered although some were made; nil when the last one was.
    package func failingFor(at now: ContinuousClock.Instant) -> Duration? {
        admission.withLock { $0.failingSince }.map { max(now - $0, .zero) }
    }

    /// How long a line waits before its next attempt, at least `base`: longer when repeats would become too large a
    /// part of all calls, up to `backoffMax`. Each call of this function counts as one repeat.
    package func retryDelay(_ base: Duration, at now: ContinuousClock.Instant) -> Duration {
        admission.withLock { $0.retryDelay(base, at: now) }
    }

    /// The cluster gave this worker so many places; calls above them are not cut. Ignored without a cluster-wide cap.
    package func setShare(_ places: Int, at now: ContinuousClock.Instant) {
        guard configuration.clusterConcurrency != nil else { return }
        admission.withLock { $0.setShare(places, at: now) }
    }

    // MARK: What the prober finds

    /// A health check succeeded or failed.
    package func setHealth(isUp: Bool, at now: ContinuousClock.Instant) {
        admission.withLock { $0.setHealth(isUp: isUp, at: now) }
    }

    /// Whether requests wait at the backend for a place: then half of the calls in flight are allowed, else twice as
    /// many as before.
    package func yield(toWaiting isWaiting: Bool) {
        admission.withLock { $0.yield(toWaiting: isWaiting) }
    }

    // MARK: What routes ask

    /// A window for a new stop.
    func openWindow() -> Int { admission.withLock { $0.openWindow() } }

    /// The window's stop is gone.
    func closeWindow(_ window: Int) { admission.withLock { $0.closeWindow(window) } }

    /// The size of a window.
    func windowSize(_ window: Int) -> Int { admission.withLock { $0.windowSize(window) } }

    /// Calls that may start now.
    func room(_ window: Int, at now: ContinuousClock.Instant) -> Int {
        admission.withLock { $0.room(window, at: now) }
    }

    /// Starts a call if it may.
    func begin(_ window: Int, at now: ContinuousClock.Instant) -> Admission.Entry? {
        admission.withLock { $0.begin(window, at: now) }
    }

    /// When time alone makes room.
    func opensAt(_ window: Int, at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        admission.withLock { $0.opensAt(window, at: now) }
    }

    /// A place was given up unused.
    func cancel(_ entry: Admission.Entry, of stop: Route.Stop) {
        admission.withLock { $0.cancel(entry, stop.window) }
    }

    /// A call ended.
    func end(
        _ entry: Admission.Entry, of stop: Route.Stop, _ report: CallReport, isRepeat: Bool,
        at now: ContinuousClock.Instant
    ) {
        admission.withLock { $0.end(entry, stop.window, report, isRepeat: isRepeat, at: now) }
    }
}

/// A backend's configuration cannot be used.
package struct InvalidBackend: Error, CustomStringConvertible {
    /// One sentence each.
    package let problems: [String]

    /// The sentences in one line.
    package var description: String { problems.joined(separator: "; ") }
}
