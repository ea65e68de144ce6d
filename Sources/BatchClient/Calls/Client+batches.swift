// SPDX-License-Identifier: Apache-2.0
internal import BatchCore

/// What a new batch is to be. (contracts: OpenAI batch create request)
package struct BatchOrder: Hashable, Sendable {
    /// The uploaded file.
    package var inputFileID: String
    /// The path that every line names.
    package var endpoint: String
    /// The time the batch has, such as `24h`.
    package var window: String
    /// The user's labels, in the order they were given; names occur once.
    package var metadata: [Label]
    /// Which batches it goes before.
    package var rank: BatchRank
    /// Who is told when it ends; nil for nobody but the project's endpoints.
    package var webhook: BatchWebhook?
    /// Where the server fetches the input, in place of an uploaded file; a field of our own server only.
    package var inputURL: String?
    /// Where the results go besides, and the error file alone; fields of our own server only.
    package var output: (url: String, errorsURL: String?)? {
        get { outputURL.map { ($0, errorsURL) } }
        set { (outputURL, errorsURL) = (newValue?.url, newValue?.errorsURL) }
    }
    private var outputURL: String?
    private var errorsURL: String?

    /// One label of a batch.
    package struct Label: Hashable, Sendable {
        /// Its name, at most 64 characters.
        package var name: String
        /// Its value, at most 512 characters.
        package var value: String

        /// A label.
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// An order from its fields.
    package init(
        inputFileID: String, endpoint: String, window: String, metadata: [Label] = [], rank: BatchRank = BatchRank(),
        webhook: BatchWebhook? = nil
    ) {
        self.inputFileID = inputFileID
        self.endpoint = endpoint
        self.window = window
        self.metadata = metadata
        self.rank = rank
        self.webhook = webhook
    }

    /// The request body.
    var json: [UInt8] {
        var members: [JSONValue.Member] = [
            inputURL.map { .init("input", .object([.init("url", .string($0))])) }
                ?? .init("input_file_id", .string(inputFileID)),
            .init("endpoint", .string(endpoint)),
            .init("completion_window", .string(window)),
        ]
        if !metadata.isEmpty {
            members.append(.init("metadata", .object(metadata.map { .init($0.name, .string($0.value)) })))
        }
        if let output {
            let errors = output.errorsURL.map { JSONValue.Member("errors_url", .string($0)) }
            members.append(.init("output", .object([.init("url", .string(output.url))] + [errors].compactMap { $0 })))
        }
        if let webhook { members.append(.init("webhook", .object(webhook.members))) }
        return JSONValue.object(members + rank.members).bytes
    }
}

/// Who is told when a batch ends. A field of our own server only.
package struct BatchWebhook: Hashable, Sendable {
    /// Where the event is sent to.
    package var url: String
    /// What it is signed with, `whsec_…`; nil leaves it to the server.
    package var secret: String?

    /// A webhook of one batch.
    package init(url: String, secret: String? = nil) {
        self.url = url
        self.secret = secret
    }

    /// It, as members of a request's `webhook`.
    var members: [JSONValue.Member] {
        [.init("url", .string(url))] + (secret.map { [.init("secret", .string($0))] } ?? [])
    }
}

/// Which batches a batch goes before; what is nil is left to the server. Fields of our own server only.
package struct BatchRank: Hashable, Sendable {
    /// -100…100.
    package var priority: Int?
    /// `normal` or `background`.
    package var lane: String?

    /// A rank.
    package init(priority: Int? = nil, lane: String? = nil) {
        self.priority = priority
        self.lane = lane
    }

    /// What of it is given, as members of a request.
    var members: [JSONValue.Member] {
        [
            priority.map { .init("priority", .integer(Int64($0))) },
            lane.map { .init("lane", .string($0)) },
        ].compactMap { $0 }
    }
}

/// A fresh key that makes a repeated creation the same creation: 128 random bits in hexadecimal.
package func newIdempotencyKey() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<2).map { _ in
        let digits = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
}

extension Client {
    /// Creates a batch. Sent again after a lost answer, under the same key, it still makes one batch only.
    package func createBatch(
        _ order: BatchOrder, idempotencyKey: String = newIdempotencyKey()
    ) async throws(ClientError) -> Answer<WireBatch> {
        try await fetch(
            Call(
                method: "POST", path: "/batches", doing: "create the batch",
                headers: [("Idempotency-Key", idempotencyKey)], body: .json(order.json)),
            as: WireBatch.self)
    }

    /// The batch as it stands.
    package func batch(_ id: String) async throws(ClientError) -> Answer<WireBatch> {
        try await fetch(
            Call(method: "GET", path: "/batches/\(ServerAddress.encode(id))", doing: "look up batch \(id)"),
            as: WireBatch.self)
    }

    /// Asks the server to stop a batch; on one that is cancelling or cancelled already it changes nothing.
    package func cancelBatch(_ id: String) async throws(ClientError) -> Answer<WireBatch> {
        try await fetch(
            Call(method: "POST", path: "/batches/\(ServerAddress.encode(id))/cancel", doing: "cancel batch \(id)"),
            as: WireBatch.self)
    }

    /// Stops the starting of calls of a batch; on one that is paused already it changes nothing.
    package func pauseBatch(_ id: String) async throws(ClientError) -> Answer<WireBatch> {
        try await fetch(
            Call(method: "POST", path: "/batches/\(ServerAddress.encode(id))/pause", doing: "pause batch \(id)"),
            as: WireBatch.self)
    }

    /// Lets the calls of a paused batch start again; on one that is not paused it changes nothing.
    package func resumeBatch(_ id: String) async throws(ClientError) -> Answer<WireBatch> {
        try await fetch(
            Call(method: "POST", path: "/batches/\(ServerAddress.encode(id))/resume", doing: "resume batch \(id)"),
            as: WireBatch.self)
    }

    /// Makes a batch of the lines of another one that failed, expired or were cancelled. Sent again after a lost
    /// answer, under the same key, it still makes one batch only.
    ///
    /// - Parameter window: the time it has, such as `24h`; nil for that of the other batch.
    package func retryBatch(
        _ id: String, window: String? = nil, rank: BatchRank = BatchRank(),
        idempotencyKey: String = newIdempotencyKey()
    ) async throws(ClientError) -> Answer<WireBatch> {
        let members = [window.map { JSONValue.Member("completion_window", .string($0)) }].compactMap { $0 }
        return try await fetch(
            Call(
                method: "POST", path: "/batches/\(ServerAddress.encode(id))/retry", doing: "retry batch \(id)",
                headers: [("Idempotency-Key", idempotencyKey)],
                body: .json(JSONValue.object(members + rank.members).bytes)),
            as: WireBatch.self)
    }

    /// A page of batches, newest first. `limit` is 1…100.
    package func batches(after: String? = nil, limit: Int) async throws(ClientError) -> Page<WireBatch> {
        try await page("/batches", doing: "list batches", query: [], after: after, limit: limit)
    }

    /// Every model that lines may name.
    package func models() async throws(ClientError) -> Page<WireModel> {
        try await page("/models", doing: "list models", query: [], after: nil, limit: nil)
    }
}
