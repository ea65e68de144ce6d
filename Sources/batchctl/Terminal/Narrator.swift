// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// Talks to the user on standard error: sentences, and one line of progress below them.
///
/// On a terminal the progress line is painted over; elsewhere a line is added when something has changed, at most
/// every few seconds.
final class Narrator: Sendable {
    /// Seconds between two progress lines where they cannot be painted over.
    static let plainInterval: Double = 5

    private struct State {
        var hasPaint = false
        var plainText: String?
        var plainLabel: String?
        var plainTime = -Double.infinity
    }

    private let terminal: Terminal
    private let isQuiet: Bool
    private let state = Mutex(State())

    /// A narrator; a quiet one tells errors only.
    init(_ terminal: Terminal, isQuiet: Bool) {
        self.terminal = terminal
        self.isQuiet = isQuiet
    }

    /// How often progress is worth looking at.
    var refreshInterval: Duration { terminal.canRepaint && !isQuiet ? .milliseconds(125) : .seconds(1) }

    /// Says a sentence, above the progress line.
    func say(_ sentence: String) {
        guard !isQuiet else { return }
        tell(sentence)
    }

    /// Says a sentence even when quiet.
    func tell(_ sentence: String) {
        state.withLock { state in
            emit((state.hasPaint ? Self.erase : "") + sentence + "\n")
            state.hasPaint = false
        }
    }

    /// Shows how far things are. `time` is in seconds of one clock.
    func show(_ progress: ProgressState, time: Double) {
        guard !isQuiet else { return }
        if terminal.canRepaint {
            let line = ProgressLine.terminal(progress, width: terminal.width)
            state.withLock { state in
                emit(Self.erase + line)
                state.hasPaint = true
            }
            return
        }
        let text = ProgressLine.plain(progress)
        state.withLock { state in
            let isNews = progress.label != state.plainLabel
            guard text != state.plainText, isNews || time - state.plainTime >= Self.plainInterval else { return }
            state.plainText = text
            state.plainLabel = progress.label
            state.plainTime = time
            emit(text + "\n")
        }
    }

    /// Takes the progress line away.
    func clear() {
        state.withLock { state in
            if state.hasPaint { emit(Self.erase) }
            state = State()
        }
    }

    /// Carriage return and "erase to the end of the line".
    private static let erase = "\r\u{1B}[K"

    /// Standard error has no reader that matters to the outcome, so a failed write changes nothing.
    private func emit(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let piece = UnsafeRawBufferPointer(rebasing: rest)
                let written = write(STDERR_FILENO, piece.baseAddress, piece.count)
                if written < 0 {
                    if errno == EINTR { continue }
                    return
                }
                rest = rest.dropFirst(written)
            }
        }
    }
}
