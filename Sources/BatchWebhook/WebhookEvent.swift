// SPDX-License-Identifier: Apache-2.0

package import BatchCore

/// What a receiver is told: thin, because the receiver reads the batch itself. (contracts: webhook delivery)
package struct WebhookEvent: Sendable {
    /// The same on every attempt.
    package var id: EventID
    /// `batch.completed`, `batch.failed`, `batch.expired` or `batch.cancelled`.
    package var type: String
    /// The batch that it tells of.
    package var batch: BatchID
    /// Unix seconds of the commit.
    package var createdAt: Int64

    /// What a receiver is told.
    package init(id: EventID, type: String, batch: BatchID, createdAt: Int64) {
        self.id = id
        self.type = type
        self.batch = batch
        self.createdAt = createdAt
    }

    /// The body as sent and signed.
    package var body: [UInt8] {
        JSONValue.object([
            .init("id", .string(id.rawValue)),
            .init("object", .string("event")),
            .init("created_at", .integer(createdAt)),
            .init("type", .string(type)),
            .init("data", .object([.init("id", .string(batch.rawValue))])),
        ]).bytes
    }
}
