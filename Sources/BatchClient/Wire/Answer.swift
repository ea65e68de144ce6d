// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// What a server answered: the value this client reads, and the JSON exactly as it came, for those who want all of it.
package struct Answer<Value: Decodable & Sendable>: Sendable {
    /// The decoded part.
    package var value: Value
    /// The bytes of the server's JSON.
    package var json: [UInt8]

    /// An answer whose value is already decoded.
    package init(value: Value, json: [UInt8]) {
        self.value = value
        self.json = json
    }

    /// Decodes `json`; throws what `JSONDecoder` throws.
    init(decoding json: [UInt8]) throws {
        self.value = try JSONDecoder().decode(Value.self, from: Data(json))
        self.json = json
    }
}

/// One page of a list. (contracts: OpenAI pagination)
package struct Page<Element: Decodable & Sendable>: Sendable {
    /// The elements with their JSON, in the order of the server.
    package var elements: [Answer<Element>]
    /// Whether the server has more after the last of them.
    package var hasMore: Bool
    /// The server's `last_id`, nil where it has none. Not always that of the last element: an empty list of events
    /// names the newest one.
    package var lastID: String?

    /// A page.
    package init(elements: [Answer<Element>], hasMore: Bool, lastID: String? = nil) {
        self.elements = elements
        self.hasMore = hasMore
        self.lastID = lastID
    }
}
