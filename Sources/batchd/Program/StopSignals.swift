// SPDX-License-Identifier: Apache-2.0
@preconcurrency import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT: the first asks for an orderly end, further ones for one at once.
final class StopSignals: Sendable {
    private let sources: [any DispatchSourceSignal]

    /// Takes the signals over for the rest of the process's life.
    ///
    /// - Parameters:
    ///   - first: called at the first signal, with its name.
    ///   - further: called at every other.
    init(first: @escaping @Sendable (String) -> Void, further: @escaping @Sendable (String) -> Void) {
        let queue = DispatchQueue(label: "stop-signals")
        let seen = Seen()
        sources = [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")].map { number, name in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { @Sendable in
                if seen.isFirst() { first(name) } else { further(name) }
            }
            source.resume()
            return source
        }
    }

    /// Whether a signal has come before.
    private final class Seen: Sendable {
        private let any = Atomic<Bool>(false)

        func isFirst() -> Bool { !any.exchange(true, ordering: .acquiringAndReleasing) }
    }
}
