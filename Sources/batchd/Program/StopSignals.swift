// SPDX-License-Identifier: Apache-2.0
@preconcurrency import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT: the first asks for an orderly end, further ones for one at once.
///
/// A handler writes the signal's number into a pipe, so a signal counts from the moment the handler stands; a program
/// started by this one does not inherit it, as it would inherit a blocked or ignored signal.
final class StopSignals: Sendable {
    private let source: (any DispatchSourceRead)?

    /// The write end for the handler, which can reach nothing else; -1 until there is a pipe.
    private static let pipeEnd = Atomic<Int32>(-1)

    /// Takes the signals over for the rest of the process's life.
    ///
    /// - Parameters:
    ///   - first: called at the first signal, with its name.
    ///   - further: called at every other.
    init(first: @escaping @Sendable (String) -> Void, further: @escaping @Sendable (String) -> Void) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            // Without a descriptor to spare the signals keep their usual effect: they end the program at once.
            source = nil
            return
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        let readEnd = ends[0]
        let seen = Seen()
        let source = DispatchSource.makeReadSource(fileDescriptor: readEnd, queue: DispatchQueue(label: "stop-signals"))
        source.setEventHandler { @Sendable in
            var number: UInt8 = 0
            while read(readEnd, &number, 1) == 1 {
                let name = Int32(number) == SIGTERM ? "SIGTERM" : "SIGINT"
                if seen.isFirst() { first(name) } else { further(name) }
            }
        }
        source.resume()
        self.source = source
        Self.pipeEnd.store(ends[1], ordering: .releasing)
        for number in [SIGTERM, SIGINT] {
            signal(number) { number in
                let before = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(StopSignals.pipeEnd.load(ordering: .acquiring), &byte, 1)
                errno = before
            }
        }
    }

    /// Whether a signal has come before.
    private final class Seen: Sendable {
        private let any = Atomic<Bool>(false)

        func isFirst() -> Bool { !any.exchange(true, ordering: .acquiringAndReleasing) }
    }
}
