// SPDX-License-Identifier: Apache-2.0
import BatchCore
import FoundationEssentials

/// What the bench's backend has counted since its start; the body of `GET /stats`.
struct BackendCounters: Codable, Hashable, Sendable {
    /// Requests for an answer, refused ones included.
    var calls: Int64 = 0
    /// Answered 200.
    var answered: Int64 = 0
    /// Answered 429 because every slot was taken.
    var refused: Int64 = 0
    /// Answered 500, as planned.
    var failed: Int64 = 0
    /// Whose caller did not wait for the answer.
    var abandoned: Int64 = 0
    /// Calls that have no answer yet.
    var in_flight: Int64 = 0
    /// Most of these at the same time.
    var peak_in_flight: Int64 = 0
    /// Connections open now.
    var connections: Int64 = 0

    /// The numbers as a JSON object.
    var json: String {
        let numbers: [(String, Int64)] = [
            ("calls", calls), ("answered", answered), ("refused", refused), ("failed", failed),
            ("abandoned", abandoned), ("in_flight", in_flight), ("peak_in_flight", peak_in_flight),
            ("connections", connections),
        ]
        return JSONValue.object(numbers.map { .init($0.0, .integer($0.1)) }).text
    }

    /// Reads that object.
    static func read(_ json: [UInt8]) throws -> BackendCounters {
        try JSONDecoder().decode(BackendCounters.self, from: Data(json))
    }
}
