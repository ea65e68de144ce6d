// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Logging
import Synchronization

/// Tells the operator of a backend that answers nothing any more, while its lines wait, and of its return: once each.
final class BackendWatch: Sendable {
    /// How long nothing may be answered before it is worth a warning.
    private static let patience = Duration.seconds(5)

    private struct State {
        /// Why the last attempt failed, by the backend's name.
        var reasons: [String: String] = [:]
        /// Backends that were told of.
        var away: Set<String> = []
    }

    private let backends: [Backend]
    private let logger: Logger
    private let state = Mutex(State())

    /// Watches `backends`.
    init(_ backends: [Backend], logger: Logger) {
        self.backends = backends
        self.logger = logger
    }

    /// An attempt failed, and this is why; it begins with the backend's name.
    func note(_ reason: String) {
        guard let backend = backends.first(where: { reason.hasPrefix("\($0.configuration.name): ") }) else { return }
        state.withLock { $0.reasons[backend.configuration.name] = reason }
    }

    /// Looks once.
    func poll(at now: ContinuousClock.Instant = .now) {
        for backend in backends {
            let name = backend.configuration.name
            let silence = backend.failingFor(at: now) ?? .zero
            if silence >= Self.patience, state.withLock({ $0.away.insert(name).inserted }) {
                let reason = state.withLock { $0.reasons[name] } ?? ""
                logger.warning(
                    "a backend answers no call any more; its lines wait",
                    metadata: [
                        "backend": "\(name)", "for": "\(silence)", "error": "\(reason)",
                        "patience": "\(backend.configuration.outagePatience)",
                    ])
            } else if silence == .zero, state.withLock({ $0.away.remove(name) }) != nil {
                logger.notice("a backend answers again", metadata: ["backend": "\(name)"])
            }
        }
    }
}
