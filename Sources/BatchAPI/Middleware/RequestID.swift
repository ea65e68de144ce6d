// SPDX-License-Identifier: Apache-2.0

/// Names one request in responses and in the log: `req_` and 32 hex digits.
enum RequestID {
    /// A fresh name.
    static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        let digits = [generator.next(), generator.next()].map { (value: UInt64) in
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        return "req_" + digits.joined()
    }
}
