// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The system's words for an errno.
enum SystemReason {
    /// Such as `No such file or directory`; safe to call from any thread.
    static func text(_ code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
