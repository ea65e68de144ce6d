// SPDX-License-Identifier: Apache-2.0

/// Why a connection came to nothing or ended.
struct ConnectionEnd: Error {
    /// In words, without the broker's address: `it closed the connection: …`.
    let reason: String
    /// The broker's reply code (AMQP 0-9-1, section 1.5) when it refused something; 0 when the line just broke.
    let code: UInt16

    init(_ reason: String, code: UInt16 = 0) {
        self.reason = reason
        self.code = code
    }

    /// Whether the broker refused one operation, such as a publish to an unknown exchange; it is well otherwise.
    var isRefusal: Bool { [403, 404, 405, 406, 311].contains(code) }

    /// The exchange that the refusal is about, of those in flight; nil when it names none of them.
    func exchange(among names: Set<String>) -> String? {
        guard isRefusal else { return nil }
        // The longest first: one name may be part of another.
        return names.filter { reason.contains("'\($0)'") }.max { $0.utf8.count < $1.utf8.count }
    }
}
