// SPDX-License-Identifier: Apache-2.0

/// Pauses between attempts to connect: exponential with full jitter, so that many clients do not come back together.
struct Backoff {
    private var bound: Duration
    private let first: Duration
    private let limit: Duration

    /// Each pause is random between zero and a bound that doubles from `first` to `limit`.
    init(first: Duration, limit: Duration) {
        bound = first
        self.first = first
        self.limit = limit
    }

    /// The next pause.
    mutating func next() -> Duration {
        defer { bound = min(bound * 2, limit) }
        return bound * Double.random(in: 0...1)
    }

    /// Starts over after a success.
    mutating func reset() { bound = first }
}
