// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import HTTPTypes
import Loops

/// The stream of a project's events, for consumers without a public address: pages, long polls and server-sent events.
/// An extension of ours.
struct EventRoutes: Sendable {
    /// Where events are recorded.
    let store: Store
    /// Who rings when there are new ones.
    let bell: EventBell

    /// Longest wait of a long poll, in seconds.
    private static let waitMax = 60
    private static let limitMax = 1_000
    private static let limitStandard = 100
    /// A consumer that hears no ring looks this often all the same.
    private static let lookEvery = Duration.seconds(10)

    /// The table of these routes.
    var routes: [Route] { [.guarded(.get, "/v1/events", list)] }

    private func list(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let types = try Self.types(call.query["types"])
        let limit = try call.query.integer("limit", in: 1...Self.limitMax, standard: Self.limitStandard)
        let wait = try call.query.integer("wait", in: 0...Self.waitMax, standard: 0)
        let cursor = try Self.cursor(call.query["after"])
        if Self.wantsStream(call.headers) {
            let resumed = try call.headers[.lastEventID].map { try Self.cursor($0) ?? .now }
            return try await stream(project, from: resumed ?? cursor ?? .now, types, call)
        }
        let page = try await poll(project, cursor ?? .oldest, types, limit, wait: .seconds(wait))
        return .json(
            .object([
                .init("object", .string("list")),
                .init("data", .array(page.events.map(\.eventObject))),
                .init("first_id", JSONValue(page.events.first?.id.rawValue)),
                .init("last_id", JSONValue(page.last?.rawValue)),
                .init("has_more", .bool(page.hasMore)),
            ]))
    }

    /// The first page that is not empty, or the empty one when the wait is over.
    private func poll(
        _ project: ProjectID, _ cursor: EventCursor, _ types: [EventType]?, _ limit: Int, wait: Duration
    ) async throws -> EventPage {
        guard wait > .zero else {
            return try await store.listEvents(project: project, after: cursor, types: types, limit: limit)
        }
        let waiter = try bell.enter(project)
        defer { bell.leave(waiter) }
        let deadline = ContinuousClock.now.advanced(by: wait)
        var page = try await store.listEvents(project: project, after: cursor, types: types, limit: limit)
        while page.events.isEmpty {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero, !bell.isClosed else { break }
            await waiter.signal.wait(upTo: min(left, Self.lookEvery))
            page = try await store.listEvents(project: project, after: .place(page.place), types: types, limit: limit)
        }
        return page
    }

    private func stream(
        _ project: ProjectID, from cursor: EventCursor, _ types: [EventType]?, _ call: Call
    ) async throws -> Answer {
        // A cursor that names nothing is refused while there still is a status to say so.
        let start = try await store.listEvents(
            project: project, after: cursor, types: types, limit: Self.limitStandard)
        let waiter = try bell.enter(project)
        let feed = EventFeed(store: store, bell: bell, project: project, types: types, waiter: waiter, first: start)
        var headers = HTTPFields()
        headers[.contentType] = "text/event-stream"
        headers[.cacheControl] = "no-store"
        // Proxies that would collect an answer before they pass it on know this field.
        headers[.xAccelBuffering] = "no"
        var answer = Answer(
            status: .ok, headers: headers,
            body: .stream(length: nil, next: { try await feed.next() }, end: { [bell] in bell.leave(waiter) }))
        answer.closesConnection = true
        return answer
    }

    private static func wantsStream(_ headers: HTTPFields) -> Bool {
        (headers[.accept] ?? "").split(separator: ",").contains { part in
            part.prefix { $0 != ";" }.trimmingSpaces.lowercased() == "text/event-stream"
        }
    }

    private static func cursor(_ text: String?) throws -> EventCursor? {
        guard let text else { return nil }
        if text == "now" { return .now }
        return .after(EventID(rawValue: try Call.cursor(text)))
    }

    private static func types(_ text: String?) throws -> [EventType]? {
        try text.map { text in
            try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
                guard let type = EventType(rawValue: String(word)) else {
                    throw BatchError.invalidValue(
                        String(word), param: "types", supported: EventType.allCases.map(\.rawValue))
                }
                return type
            }
        }
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        let front = drop { $0 == " " || $0 == "\t" }
        return front.dropLast(front.reversed().prefix { $0 == " " || $0 == "\t" }.count)
    }
}
