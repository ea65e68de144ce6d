// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Where the lines of a shard go: the backends that serve its model equally well, taken in turn, or the test model.
package final class Route: Sendable {
    /// The path of the lines, such as `/v1/embeddings`.
    package let endpoint: String
    /// Empty for the test model.
    let stops: [Stop]
    private let turn: Atomic<Int>

    /// A backend of a route, and the URL of the route's endpoint there.
    struct Stop: Sendable {
        /// Who is called.
        let backend: Backend
        /// Where lines of the route's endpoint are sent.
        let url: String
    }

    /// A route over `backends`, beginning with the one of number `turn`; none means the test model.
    init(endpoint: String, backends: [Backend], turn: Int) {
        self.endpoint = endpoint
        self.stops = backends.map { Stop(backend: $0, url: $0.url(for: endpoint)) }
        self.turn = Atomic(turn)
    }

    /// Whether a line could start at this moment.
    package var hasRoom: Bool {
        stops.isEmpty || stops.contains { $0.backend.gate.hasRoom }
    }

    /// A place at the next backend that has one; nil when all are full.
    package func reserve() -> Reservation? {
        guard !stops.isEmpty else { return Reservation(stop: nil) }
        // One backend is the common case and needs no turn.
        let first = stops.count == 1 ? 0 : turn.wrappingAdd(1, ordering: .relaxed).newValue & Int.max
        for offset in 0..<stops.count {
            let stop = stops[(first % stops.count + offset) % stops.count]
            if stop.backend.gate.enter() { return Reservation(stop: stop) }
        }
        return nil
    }
}

/// A place for one call. Given up exactly once: by the attempt that uses it, or with ``leave()``.
package struct Reservation: Sendable {
    /// Nil for the test model.
    let stop: Route.Stop?

    /// Gives the place up.
    package func leave() {
        stop?.backend.gate.leave()
    }
}
