// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Synchronization

/// Where the lines of a model and endpoint go: the backends that serve the model equally well, by their weights, or the
/// test model. Shared by all shards of a worker, and with it what was learnt of the backends.
package final class Route: Sendable {
    /// The path of the lines, such as `/v1/embeddings`.
    package let endpoint: String
    /// Empty for the test model.
    let stops: [Stop]
    private let turns: Mutex<RouteTurns>

    /// A backend of a route, with the window of the route's calls to it.
    final class Stop: Sendable {
        /// Who is called.
        let backend: Backend
        /// Where lines of the route's endpoint are sent.
        let url: String
        /// Its place in the route, from 0.
        let index: Int
        /// Number of the window at the backend.
        let window: Int
        /// Whether its lines are sent as forms, with a file that has to be fetched first.
        let isSpeech: Bool

        /// A stop with a new window.
        init(_ backend: Backend, endpoint: String, index: Int) {
            self.backend = backend
            self.url = backend.url(for: endpoint)
            self.index = index
            self.isSpeech = Endpoint.isSpeech(endpoint)
            self.window = backend.openWindow()
        }

        deinit { backend.closeWindow(window) }
    }

    /// A route over `backends`; none means the test model.
    init(endpoint: String, backends: [Backend]) {
        self.endpoint = endpoint
        self.stops = backends.enumerated().map { Stop($1, endpoint: endpoint, index: $0) }
        self.turns = Mutex(RouteTurns(weights: backends.map(\.configuration.weight)))
    }

    /// The backends of the route, in the order of the configuration; none for the test model.
    package var backends: [Backend] { stops.map(\.backend) }

    /// Whether its lines need a file, which is fetched before they take a place.
    package var isSpeech: Bool { stops.first?.isSpeech ?? false }

    /// Whether its lines may be sent to `backend`.
    package func leads(to backend: Backend) -> Bool { stops.contains { $0.backend === backend } }

    /// A place for a call; nil when none may start now.
    ///
    /// - Parameter avoiding: `stopIndex` of the place where the line failed last: taken only if nobody else has room.
    package func reserve(avoiding: Int? = nil, at now: ContinuousClock.Instant) -> Reservation? {
        guard let first = stops.first else { return Reservation(stop: nil, entry: Admission.Entry()) }
        // One backend is the common case and needs no turns.
        if stops.count == 1 {
            return first.backend.begin(first.window, at: now).map { Reservation(stop: first, entry: $0) }
        }
        return turns.withLock { turns in
            turns.startRound(avoiding: avoiding)
            while let index = turns.next() {
                let stop = stops[index]
                if let entry = stop.backend.begin(stop.window, at: now) {
                    turns.take(index)
                    return Reservation(stop: stop, entry: entry)
                }
            }
            return nil
        }
    }

    /// Whether a call could start at this moment.
    package func hasRoom(at now: ContinuousClock.Instant) -> Bool {
        stops.isEmpty || stops.contains { $0.backend.room($0.window, at: now) > 0 }
    }

    /// Calls that could start at this moment; `Int.max` for the test model.
    package func room(at now: ContinuousClock.Instant) -> Int {
        guard !stops.isEmpty else { return .max }
        return stops.reduce(0) { $0 + $1.backend.room($1.window, at: now) }
    }

    /// When time alone could make room: a pause that ends, a breaker that lets its probe through, a rate that allows
    /// the next call. Nil when only the end of a call, a new share, a health check or nothing can; `now` when there is
    /// room already.
    package func opensAt(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        guard !stops.isEmpty else { return now }
        return stops.lazy.compactMap { $0.backend.opensAt($0.window, at: now) }.min()
    }

    /// Sizes of the windows now, one for each backend: for people and tests.
    package var windowSizes: [Int] { stops.map { $0.backend.windowSize($0.window) } }
}
