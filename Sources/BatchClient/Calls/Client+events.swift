// SPDX-License-Identifier: Apache-2.0

/// A place in a project's sequence of events.
package enum EventCursor: Hashable, Sendable {
    /// Before the oldest event that the server keeps.
    case start
    /// Behind the newest event there is when the server is asked.
    case now
    /// Behind this event.
    case event(String)

    /// What `after` says; nil for none.
    var after: String? {
        switch self {
        case .start: nil
        case .now: "now"
        case .event(let id): id
        }
    }
}

extension Client {
    /// A page of events behind `cursor`, oldest first.
    ///
    /// - Parameters:
    ///   - types: only events of these types; empty for all.
    ///   - limit: 1…1,000.
    ///   - wait: how long the server may hold back an empty answer, in seconds, 0…60.
    /// - Throws: `refused` with status 404 when the server does not, or no longer, know the event of the cursor.
    package func events(
        after cursor: EventCursor, types: [String] = [], limit: Int, wait: Int = 0
    ) async throws(ClientError) -> Page<WireEvent> {
        var query: [(String, String)] = []
        if !types.isEmpty { query.append(("types", types.joined(separator: ","))) }
        if wait > 0 { query.append(("wait", String(wait))) }
        return try await page(
            "/events", doing: "read events", query: query, after: cursor.after, limit: limit, heldBack: .seconds(wait))
    }
}
