// SPDX-License-Identifier: Apache-2.0

/// Who is told of an event.
package enum DeliveryKind: String, Hashable, Sendable {
    /// A webhook endpoint that the project registered.
    case endpoint
    /// The `webhook` of the batch itself.
    case batch
    /// The `ds_batch_finish_callback` of the batch's metadata, which is sent the whole batch.
    case callback
    /// The operator's receiver for all projects.
    case server
    /// A message broker of the operator's.
    case sink
}

/// Where a delivery stands.
package enum DeliveryStatus: String, CaseIterable, Hashable, Sendable {
    /// There will be another attempt.
    case pending
    /// The receiver took it.
    case delivered
    /// There will be no more attempts unless somebody asks for a replay.
    case exhausted
}

/// One event towards one receiver, as its log shows it.
package struct Delivery: Hashable, Sendable {
    /// `whd_…`
    package var id: DeliveryID
    /// The event, the same on every attempt and replay.
    package var event: EventID
    /// What the event tells of.
    package var eventType: EventType
    /// The batch that the event tells of.
    package var batch: BatchID
    /// Who is told.
    package var kind: DeliveryKind
    /// The endpoint, when it is one.
    package var endpoint: EndpointID?
    /// Where it goes.
    package var url: String
    /// Where it stands.
    package var status: DeliveryStatus
    /// Attempts so far.
    package var attempts: Int32
    /// When the next attempt is due; nil when there is none. Unix seconds.
    package var nextAttemptAt: Int64?
    /// What the receiver answered last; nil when it did not.
    package var lastStatusCode: Int32?
    /// How long the last attempt took, in milliseconds.
    package var lastLatency: Int32?
    /// Why the last attempt failed; nil when it did not.
    package var lastError: String?
    /// Unix seconds.
    package var createdAt: Int64
    /// When it was delivered or given up. Unix seconds.
    package var settledAt: Int64?

    /// A delivery from its columns.
    package init(
        id: DeliveryID, event: EventID, eventType: EventType, batch: BatchID, kind: DeliveryKind,
        endpoint: EndpointID?, url: String, status: DeliveryStatus, attempts: Int32, nextAttemptAt: Int64?,
        lastStatusCode: Int32?, lastLatency: Int32?, lastError: String?, createdAt: Int64, settledAt: Int64?
    ) {
        self.id = id
        self.event = event
        self.eventType = eventType
        self.batch = batch
        self.kind = kind
        self.endpoint = endpoint
        self.url = url
        self.status = status
        self.attempts = attempts
        self.nextAttemptAt = nextAttemptAt
        self.lastStatusCode = lastStatusCode
        self.lastLatency = lastLatency
        self.lastError = lastError
        self.createdAt = createdAt
        self.settledAt = settledAt
    }

    /// The delivery as the API shows it.
    ///
    /// - Parameter log: its attempts, where they are shown too.
    package func deliveryObject(log: [DeliveryAttempt]? = nil) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("id", .string(id.rawValue)),
            .init("object", .string("webhook_delivery")),
            .init("created_at", .integer(createdAt)),
            .init("event_id", .string(event.rawValue)),
            .init("event_type", .string(eventType.rawValue)),
            .init("batch_id", .string(batch.rawValue)),
            .init("target", .string(kind.rawValue)),
            .init("webhook_endpoint_id", JSONValue(endpoint?.rawValue)),
            .init("url", .string(url)),
            .init("status", .string(status.rawValue)),
            .init("attempts", .integer(Int64(attempts))),
            .init("next_attempt_at", JSONValue(nextAttemptAt)),
            .init("last_status_code", JSONValue(lastStatusCode.map(Int64.init))),
            .init("last_latency_ms", JSONValue(lastLatency.map(Int64.init))),
            .init("last_error", JSONValue(lastError)),
            .init("settled_at", JSONValue(settledAt)),
        ]
        if let log { members.append(.init("attempt_log", .array(log.map(\.attemptObject)))) }
        return .object(members)
    }
}

/// One attempt of a delivery.
package struct DeliveryAttempt: Hashable, Sendable {
    /// Counted from 1 over the whole life of the delivery.
    package var number: Int32
    /// When it began. Unix seconds.
    package var at: Int64
    /// How long it took, in milliseconds.
    package var latency: Int32
    /// What the receiver answered; nil when it did not.
    package var statusCode: Int32?
    /// Why it failed; nil when it did not.
    package var error: String?
    /// The first bytes of the answer; nil when there was none.
    package var answer: [UInt8]?

    /// An attempt from its columns.
    package init(number: Int32, at: Int64, latency: Int32, statusCode: Int32?, error: String?, answer: [UInt8]?) {
        self.number = number
        self.at = at
        self.latency = latency
        self.statusCode = statusCode
        self.error = error
        self.answer = answer
    }

    /// The attempt as the API shows it; bytes of the answer that are no UTF-8 become U+FFFD.
    var attemptObject: JSONValue {
        .object([
            .init("attempt", .integer(Int64(number))),
            .init("at", .integer(at)),
            .init("status_code", JSONValue(statusCode.map(Int64.init))),
            .init("latency_ms", .integer(Int64(latency))),
            .init("error", JSONValue(error)),
            .init("answer", JSONValue(answer.map { String(decoding: $0, as: UTF8.self) })),
        ])
    }
}
