// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator

extension SettingsTable {
    /// The live lane: requests that are held until they are answered.
    static let live: [Row] = [
        .duration("live.wait", \.live.wait, least: .seconds(1), "Longest time that a request is held."),
        .integer(
            "live.held_max", \.live.heldMax, 1...1_000_000,
            "Requests held at once by one coordinator; one more is refused with 429."),
        .bytes(
            "live.unstored_bytes_max", \.live.unstoredBytesMax,
            "Bytes of held requests that are not in the database yet; what goes beyond is refused with 429."),
        .integer(
            "live.shard_lines", \.live.shardLines, 1...4_096,
            "Held requests of one key, model and endpoint that become one shard when they come at once."),
        .duration(
            "live.abandon_after", \.live.abandonAfter, least: .zero,
            "How long a request whose client has gone keeps its place in the queue; then it is dropped if no worker "
                + "has taken it."),
        .duration(
            "live.answers_kept", \.live.answersKept, least: .seconds(1),
            "How long the answer of a request whose client has gone is kept for the same request sent again."),
        .duration(
            "live.retry_after", \.live.retryAfter, least: .seconds(1),
            "What clients are told to wait before they try again what failed, 1s to 60s."),
        .duration(
            "live.rotate", \.live.rotate, least: .seconds(1),
            "How long the lines of held requests are gathered before what is over of them is cleared away."),
        .integer(
            "live.batch_shards_max", \.live.batchShardsMax, 1...10_000_000,
            "Shards after which the same is done although there are requests that wait."),
        .duration(
            "live.poll_every", \.live.pollEvery,
            "How often deadlines are looked at, and what notifications may have missed."),
        .integer(
            "live.memory_max", \.live.memoryMax, 1...1_000_000,
            "Requests held at once in memory only (`X-Shardline-Durable: false`) by a coordinator with backends."),
    ]
}
