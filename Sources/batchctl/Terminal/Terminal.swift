// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What the screen can do.
struct Terminal: Sendable {
    /// Whether standard output is a terminal.
    let isOutputTerminal: Bool
    /// Whether a line on standard error can be painted over.
    let canRepaint: Bool
    /// Whether text on standard output may be coloured.
    let hasColor: Bool

    /// Looks at the standard streams and the environment.
    init(_ environment: Environment) {
        let isCapable = environment.terminalKind.map { $0 != "dumb" } ?? false
        isOutputTerminal = isatty(STDOUT_FILENO) == 1
        canRepaint = isatty(STDERR_FILENO) == 1 && isCapable
        hasColor = isOutputTerminal && isCapable && !environment.refusesColor
    }

    /// Columns of the terminal on standard error at this moment; 80 when it does not say.
    var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Seconds by which local time is ahead of UTC at `instant` (Unix seconds).
    static func offset(at instant: Int64) -> Int64 {
        var moment = time_t(instant)
        var local = tm()
        guard localtime_r(&moment, &local) != nil else { return 0 }
        return Int64(local.tm_gmtoff)
    }

    /// Unix seconds by this machine's clock.
    static var now: Int64 { Int64(time(nil)) }
}
