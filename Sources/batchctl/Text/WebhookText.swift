// SPDX-License-Identifier: Apache-2.0
internal import BatchClient

/// Webhook endpoints and deliveries in words. Pure: the present and the distance from UTC are given.
enum WebhookText {
    /// Columns of a receiver's answer that a table shows.
    static let answerColumns = 60

    /// What the head of the table of deliveries says.
    static let deliveryColumns: [Table.Column] = [
        .init(title: "ID"), .init(title: "STATUS"), .init(title: "TYPE"), .init(title: "BATCH"), .init(title: "TO"),
        .init(title: "ATTEMPTS", isNumber: true), .init(title: "LAST"), .init(title: "CREATED"),
    ]

    /// What the head of the table of endpoints says.
    static let endpointColumns: [Table.Column] = [
        .init(title: "ID"), .init(title: "STATUS"), .init(title: "NAME"), .init(title: "URL"), .init(title: "TYPES"),
        .init(title: "NOTES", isOptional: true),
    ]

    /// The status of an endpoint; one of a server without our extension is always enabled.
    static func status(_ endpoint: WireWebhookEndpoint) -> String { endpoint.status ?? "enabled" }

    /// Everything worth knowing of an endpoint, one fact a line.
    static func details(_ endpoint: WireWebhookEndpoint, now: Int64, offset: (Int64) -> Int64) -> [String] {
        func instant(_ seconds: Int64) -> String { self.instant(seconds, now: now, offset: offset) }
        return ["\(PlainText.safe(endpoint.id))  \(PlainText.safe(status(endpoint)))"]
            + Facts.lines([
                ("name", endpoint.name),
                ("url", endpoint.url),
                ("types", endpoint.eventTypes.joined(separator: ", ")),
                ("secret", endpoint.signingSecretHint),
                ("created", instant(endpoint.createdAt)),
                ("updated", endpoint.updatedAt.flatMap { $0 == endpoint.createdAt ? nil : instant($0) }),
                ("disabled", endpoint.disabledReason),
                ("failing since", endpoint.failingSince.map(instant)),
            ])
    }

    /// The cells of an endpoint in a list.
    static func row(_ endpoint: WireWebhookEndpoint, now: Int64) -> [String] {
        let failing = endpoint.failingSince.map { "failing for \(Durations.words(now - $0))" }
        return [
            endpoint.id, status(endpoint), endpoint.name ?? "", endpoint.url,
            endpoint.eventTypes.joined(separator: ","),
            [endpoint.disabledReason, failing].compactMap { $0 }.joined(separator: ", "),
        ]
    }

    /// Everything worth knowing of a delivery: facts, then its attempts as a table.
    static func details(_ delivery: WireDelivery, now: Int64, offset: (Int64) -> Int64) -> [String] {
        func instant(_ seconds: Int64) -> String { self.instant(seconds, now: now, offset: offset) }
        let facts = Facts.lines([
            ("event", "\(delivery.eventID) \(delivery.eventType)"),
            ("batch", delivery.batchID),
            ("to", delivery.webhookEndpointID ?? delivery.target),
            ("url", delivery.url),
            ("created", instant(delivery.createdAt)),
            ("next attempt", delivery.nextAttemptAt.map(instant)),
            (delivery.status == "delivered" ? "delivered" : "ended", delivery.settledAt.map(instant)),
            ("attempts", Quantities.count(Int64(delivery.attempts))),
            ("last", last(delivery)),
        ])
        let head = "\(PlainText.safe(delivery.id))  \(PlainText.safe(delivery.status))"
        guard let log = delivery.attemptLog, !log.isEmpty else { return [head] + facts }
        var table = Table([
            .init(title: "ATTEMPT", isNumber: true), .init(title: "BEGAN"), .init(title: "HTTP"),
            .init(title: "TOOK", isNumber: true), .init(title: "ERROR", isOptional: true),
            .init(title: "ANSWER", isOptional: true),
        ])
        table.rows = log.map { attempt in
            [
                String(attempt.attempt), Timestamps.text(attempt.at, offset: offset(attempt.at)),
                attempt.statusCode.map(String.init) ?? "-", took(attempt.latencyMilliseconds) ?? "-",
                attempt.error ?? "", attempt.answer.map(excerpt) ?? "",
            ]
        }
        return [head] + facts + [""] + table.lines()
    }

    /// The cells of a delivery in a list.
    static func row(_ delivery: WireDelivery, offset: (Int64) -> Int64) -> [String] {
        [
            delivery.id, delivery.status, delivery.eventType, delivery.batchID ?? "",
            delivery.webhookEndpointID ?? delivery.target ?? "", Quantities.count(Int64(delivery.attempts)),
            last(delivery) ?? "-", Timestamps.text(delivery.createdAt, offset: offset(delivery.createdAt)),
        ]
    }

    /// The beginning of what a receiver answered, on one line; control characters are left to ``PlainText``.
    static func excerpt(_ answer: String) -> String {
        PlainText.fit(answer.split(whereSeparator: \.isWhitespace).joined(separator: " "), width: answerColumns)
    }

    /// How the last attempt went: `HTTP 503 in 12 ms`, or the error where there was no answer; nil before the first.
    private static func last(_ delivery: WireDelivery) -> String? {
        guard let code = delivery.lastStatusCode else { return delivery.lastError }
        return "HTTP \(code)" + (took(delivery.lastLatencyMilliseconds).map { " in \($0)" } ?? "")
    }

    private static func took(_ milliseconds: Int64?) -> String? { milliseconds.map { "\(Quantities.count($0)) ms" } }

    private static func instant(_ seconds: Int64, now: Int64, offset: (Int64) -> Int64) -> String {
        "\(Timestamps.text(seconds, offset: offset(seconds))) (\(Durations.relative(seconds, now: now)))"
    }
}
