// SPDX-License-Identifier: Apache-2.0

/// One event towards one receiver, as a server sends it; unknown fields are ignored. Our own server only.
package struct WireDelivery: Codable, Hashable, Sendable {
    /// `whd_…`
    package var id: String
    /// Unix seconds, like every instant below.
    package var createdAt: Int64
    /// `evt_…`
    package var eventID: String
    /// Such as `batch.completed`.
    package var eventType: String
    /// The batch that the event tells of.
    package var batchID: String?
    /// The endpoint; nil when the receiver is none.
    package var webhookEndpointID: String?
    /// What the receiver is: `endpoint` or `batch`.
    package var target: String?
    /// Where the event is sent to.
    package var url: String?
    /// `pending`, `delivered` or `exhausted`.
    package var status: String
    /// How many attempts were made.
    package var attempts: Int
    /// When the next attempt is due; nil when there is none.
    package var nextAttemptAt: Int64?
    /// The HTTP status of the last answer; nil when there was none.
    package var lastStatusCode: Int?
    /// How long the last attempt took, in milliseconds.
    package var lastLatencyMilliseconds: Int64?
    /// Why the last attempt failed; nil when it did not.
    package var lastError: String?
    /// When it was delivered or given up.
    package var settledAt: Int64?
    /// Each attempt; nil in lists.
    package var attemptLog: [WireAttempt]?

    /// A delivery with the fields that are always there; the others start as nil.
    package init(id: String, createdAt: Int64, eventID: String, eventType: String, status: String, attempts: Int) {
        self.id = id
        self.createdAt = createdAt
        self.eventID = eventID
        self.eventType = eventType
        self.status = status
        self.attempts = attempts
    }

    enum CodingKeys: String, CodingKey {
        case id, target, url, status, attempts
        case createdAt = "created_at"
        case eventID = "event_id"
        case eventType = "event_type"
        case batchID = "batch_id"
        case webhookEndpointID = "webhook_endpoint_id"
        case nextAttemptAt = "next_attempt_at"
        case lastStatusCode = "last_status_code"
        case lastLatencyMilliseconds = "last_latency_ms"
        case lastError = "last_error"
        case settledAt = "settled_at"
        case attemptLog = "attempt_log"
    }
}

/// One try of a delivery.
package struct WireAttempt: Codable, Hashable, Sendable {
    /// Its number, from 1.
    package var attempt: Int
    /// When it began, Unix seconds.
    package var at: Int64
    /// The HTTP status of the answer; nil when there was none.
    package var statusCode: Int?
    /// How long it took, in milliseconds.
    package var latencyMilliseconds: Int64?
    /// Why it failed; nil when it did not.
    package var error: String?
    /// The first bytes of the answer, as text; nil when there was none.
    package var answer: String?

    /// An attempt with the fields that are always there; the others start as nil.
    package init(attempt: Int, at: Int64) {
        self.attempt = attempt
        self.at = at
    }

    enum CodingKeys: String, CodingKey {
        case attempt, at, error, answer
        case statusCode = "status_code"
        case latencyMilliseconds = "latency_ms"
    }
}

/// The answer to a replay of many deliveries.
package struct WireReplay: Codable, Hashable, Sendable {
    /// How many will be sent again.
    package var replayed: Int64
}
