// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Names attempts: unique over all processes, without asking for random bytes each time, and all of one length.
final class RequestNames: Sendable {
    private let prefix: String
    private let counter = Atomic<UInt64>(0)

    /// Names with a random part of their own.
    init() {
        let random = String(UInt64.random(in: .min ... .max), radix: 16)
        prefix = "req_" + String(repeating: "0", count: 16 - random.utf8.count) + random
    }

    /// The next name, such as `req_8c1f0a2b3c4d5e6f_00000000002a`.
    func next() -> String {
        let digits = String(counter.wrappingAdd(1, ordering: .relaxed).newValue, radix: 16)
        return prefix + "_" + String(repeating: "0", count: max(12 - digits.utf8.count, 0)) + digits
    }
}
