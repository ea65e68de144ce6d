// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import Loops

/// The pieces of one stream of server-sent events. (WHATWG HTML, server-sent events)
actor EventFeed {
    private let store: Store
    private let bell: EventBell
    private let project: ProjectID
    private let types: [EventType]?
    private let waiter: EventBell.Waiter
    private var page: EventPage?
    private var place: Int64

    /// A comment in every pause this long keeps proxies from closing the connection, and finds out that the consumer is
    /// gone.
    private static let keepAliveEvery = Duration.seconds(15)
    /// Events read at once.
    private static let pageLimit = 100
    private static let keepAlive = Array(": keep-alive\n\n".utf8)

    /// A feed that begins with a page already read.
    init(
        store: Store, bell: EventBell, project: ProjectID, types: [EventType]?, waiter: EventBell.Waiter,
        first: EventPage
    ) {
        self.store = store
        self.bell = bell
        self.project = project
        self.types = types
        self.waiter = waiter
        page = first
        place = first.place
    }

    /// The next piece: events, or a comment when there are none for a while; nil when the server stops.
    func next() async throws -> [UInt8]? {
        if let first = page {
            page = nil
            // The comment tells the consumer at once that the stream is open.
            return first.events.isEmpty ? Self.keepAlive : Self.piece(first.events)
        }
        let deadline = ContinuousClock.now.advanced(by: Self.keepAliveEvery)
        while !bell.isClosed {
            let found = try await store.listEvents(
                project: project, after: .place(place), types: types, limit: Self.pageLimit)
            place = found.place
            if !found.events.isEmpty { return Self.piece(found.events) }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return Self.keepAlive }
            await waiter.signal.wait(upTo: left)
        }
        return nil
    }

    private static func piece(_ events: [OutboxEvent]) -> [UInt8] {
        events.flatMap { event in
            Array("id: \(event.id)\nevent: \(event.type.rawValue)\ndata: ".utf8) + event.eventObject.bytes
                + Array("\n\n".utf8)
        }
    }
}
