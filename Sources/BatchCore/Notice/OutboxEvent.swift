// SPDX-License-Identifier: Apache-2.0

/// What an event tells of. No others exist on this channel: SDKs mistake an unknown type for one they know.
/// (contracts: webhook delivery)
package enum EventType: String, CaseIterable, Hashable, Sendable {
    /// The batch ran to its end.
    case batchCompleted = "batch.completed"
    /// Its input file was refused.
    case batchFailed = "batch.failed"
    /// Its window passed.
    case batchExpired = "batch.expired"
    /// Somebody cancelled it.
    case batchCancelled = "batch.cancelled"

    /// The event of a terminal status; nil for the others.
    package init?(_ status: BatchStatus) {
        self.init(rawValue: "batch.\(status.rawValue)")
    }
}

/// A batch ended: committed with the terminal status, and never changed after.
package struct OutboxEvent: Hashable, Sendable {
    /// The same on every delivery and every attempt.
    package var id: EventID
    /// What happened.
    package var type: EventType
    /// Unix seconds of the commit.
    package var createdAt: Int64
    /// The batch as it ended.
    package var batch: Batch

    /// An event of a batch that has ended.
    package init(id: EventID, type: EventType, createdAt: Int64, batch: Batch) {
        self.id = id
        self.type = type
        self.createdAt = createdAt
        self.batch = batch
    }

    /// The event as receivers and consumers see it; a few kilobytes at most. (contracts: webhook delivery)
    package var eventObject: JSONValue {
        .object([
            .init("id", .string(id.rawValue)),
            .init("object", .string("event")),
            .init("created_at", .integer(createdAt)),
            .init("type", .string(type.rawValue)),
            .init(
                "data",
                .object([
                    .init("id", .string(batch.id.rawValue)),
                    .init("status", .string(batch.status.rawValue)),
                    .init("endpoint", .string(batch.endpoint)),
                    .init("output_file_id", JSONValue(batch.outputFileID?.rawValue)),
                    .init("error_file_id", JSONValue(batch.errorFileID?.rawValue)),
                    .init("request_counts", batch.countsObject),
                    .init("metadata", batch.metadata.map(JSONValue.raw) ?? .null),
                ])),
        ])
    }
}
