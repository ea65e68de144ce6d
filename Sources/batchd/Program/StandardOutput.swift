// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Writes to standard output at once, past any buffer: a reader at the other end of a pipe waits for the line.
enum StandardOutput {
    /// Writes `text` and a newline; a reader who has gone is no reason to stop.
    static func line(_ text: String) {
        self.text(text + "\n")
    }

    /// Writes `text` as it is.
    static func text(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(STDOUT_FILENO, rest.baseAddress, rest.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
