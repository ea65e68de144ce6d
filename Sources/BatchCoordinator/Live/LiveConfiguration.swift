// SPDX-License-Identifier: Apache-2.0

/// Settings of the live lane: requests that are held until they are answered.
package struct LiveConfiguration: Sendable {
    /// Longest time that a request is held. Default 72 h.
    package var wait: Duration = .seconds(72 * 3_600)
    /// Requests held at once by one coordinator; one more is refused with 429. Default 20,000.
    package var heldMax = 20_000
    /// Bytes of bodies that are not in the database yet; what goes beyond is refused with 429. Default 128 MiB.
    package var unstoredBytesMax = 128 << 20
    /// Lines of a live shard, so many requests of one key, model and endpoint that come at once. Default 32.
    package var shardLines = 32
    /// Bytes of a live shard of several lines. Default 1 MiB.
    package var shardBytes = 1 << 20
    /// A live batch takes new requests for so long, and on while its requests are not answered. Default 60 s.
    package var rotate: Duration = .seconds(60)
    /// Shards after which a live batch takes no more. Default 16,384.
    package var batchShardsMax = 16_384
    /// How long a request whose client has gone keeps its place in the queue. Default 5 s.
    package var abandonAfter: Duration = .seconds(5)
    /// How long the answer of a request whose client has gone is kept for the same request sent again. Default 10 min.
    package var answersKept: Duration = .seconds(600)
    /// What clients are told to wait before they try again what failed, in whole seconds, 1…60. Default 5 s.
    package var retryAfter: Duration = .seconds(5)
    /// How often deadlines are looked at, and what was said to nobody is looked for; so long at least the row of an
    /// answered request stays, should this process be killed before the answer is written. Default 1 s.
    package var pollEvery: Duration = .seconds(1)
    /// Requests held at once in memory only. Default 2,000.
    package var memoryMax = 2_000

    /// The defaults.
    package init() {}

    /// Longest time that a live batch takes new requests.
    static let openMax = Duration.seconds(3_600)
    /// After a lost connection to the database: how long others get to connect again before they are taken for dead.
    static let reconnectMax = Duration.seconds(15)
    /// Longest step; then it is given up and tried again.
    static let stepMax = Duration.seconds(30)
    /// Requests that are inserted by one transaction.
    static let groupMax = 2_000
    /// Bytes of bodies that are inserted by one transaction, give or take one body.
    static let groupBytesMax = 16 << 20
    /// Checkpoints read by one statement.
    static let readMax = 256
    /// Shards looked at by one statement.
    static let scanMax = 512

    /// ``retryAfter`` as a header says it.
    package var retryAfterSeconds: Int { min(max(Int(retryAfter.components.seconds), 1), 60) }

    /// What is wrong with the settings, all at once; empty when nothing is.
    package func validate() -> [String] {
        var problems: [String] = []
        for (name, value) in [
            ("held requests", heldMax), ("bytes of requests that are not stored yet", unstoredBytesMax),
            ("lines of a live shard", shardLines),
            ("bytes of a live shard", shardBytes), ("shards of a live batch", batchShardsMax),
            ("requests held in memory", memoryMax),
        ] where value < 1 {
            problems.append("\(name) must be at least 1, not \(value)")
        }
        if shardLines > 4_096 { problems.append("a live shard has at most 4096 lines, not \(shardLines)") }
        return problems
    }
}
