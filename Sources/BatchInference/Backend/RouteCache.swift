// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The routes of a worker, so that all shards of a model and endpoint share their windows.
///
/// Bounded: behind the pattern `*` there may be any number of models. The route asked for longest ago is forgotten
/// first; shards that still have it keep it.
final class RouteCache: Sendable {
    private struct Key: Hashable {
        let model: String
        let endpoint: String
    }

    private struct Entry {
        let route: Route
        var askedIn: Int
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var asked = 0
    }

    private let countMax: Int
    private let state = Mutex(State())

    /// Keeps at most `countMax` routes.
    init(countMax: Int) {
        self.countMax = max(countMax, 1)
    }

    /// The route of this model and endpoint, made if there is none.
    func route(model: String, endpoint: String, make: () -> Route?) -> Route? {
        // A route that goes gives up its windows and takes its backends' locks for it: not inside this one.
        var forgotten: Route?
        defer { withExtendedLifetime(forgotten) {} }
        return state.withLock { state in
            let key = Key(model: model, endpoint: endpoint)
            state.asked += 1
            if let known = state.entries[key] {
                state.entries[key]?.askedIn = state.asked
                return known.route
            }
            guard let route = make() else { return nil }
            if state.entries.count >= countMax,
                let oldest = state.entries.min(by: { $0.value.askedIn < $1.value.askedIn })?.key
            {
                forgotten = state.entries.removeValue(forKey: oldest)?.route
            }
            state.entries[key] = Entry(route: route, askedIn: state.asked)
            return route
        }
    }
}
