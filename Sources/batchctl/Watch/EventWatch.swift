// SPDX-License-Identifier: Apache-2.0
internal import BatchClient

/// Reads events from a place on, prints them, and keeps the place; maybe for ever.
struct EventWatch {
    /// Most events the server gives at once.
    static let pageMax = 1_000
    /// How long the server may hold back an empty answer, in seconds.
    static let waitSeconds = 30
    /// An answer without news that comes sooner than this was not held back.
    private static let quick = Duration.seconds(1)

    /// The command's surroundings.
    let session: Session
    /// Only events of these types; empty for all.
    let types: [String]
    /// Whether events are printed as lines of JSON.
    let isJSON: Bool
    /// Whether the reading goes on at the end of what there is.
    let follows: Bool
    /// Where the place is kept; nil for nowhere.
    let cursorFile: CursorFile?
    /// How many events are still to be printed; `Int.max` for all.
    var left: Int
    /// The place behind the last printed event.
    private(set) var cursor: EventCursor
    /// How long the server may be away while we follow.
    var outageMax = BatchWatch.outageMax
    /// Waits; a test puts its own clock here.
    var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    private var seen = SeenEvents()
    private var outage: ContinuousClock.Instant?
    private var hasAnswered = false

    /// A reader that begins behind `cursor` and prints at most `limit` events.
    init(
        session: Session, from cursor: EventCursor, types: [String] = [], limit: Int? = nil, isJSON: Bool = false,
        follows: Bool = false, cursorFile: CursorFile? = nil
    ) {
        self.session = session
        self.cursor = cursor
        self.types = types
        self.left = limit ?? .max
        self.isJSON = isJSON
        self.follows = follows
        self.cursorFile = cursorFile
    }

    /// Prints events until there are no more, or as many as wanted are printed, or when following until cancelled.
    ///
    /// - Returns: whether the server has more.
    @discardableResult
    mutating func run() async throws -> Bool {
        if cursor == .now { try await settle() }
        while left > 0 {
            let began = ContinuousClock.now
            guard let page = try await ask() else { continue }
            let hasNews = try await take(page)
            if page.hasMore, hasNews { continue }
            guard follows else { return page.hasMore }
            // A server that neither waits nor has news must not be asked without a rest.
            if !hasNews, ContinuousClock.now - began < Self.quick { try await rest(Self.quick) }
        }
        return true
    }

    /// Turns "now" into a place, so that nothing that comes later can be missed whatever becomes of the connection.
    private mutating func settle() async throws {
        guard let page = try await ask() else { return }
        try await move(to: page.lastID.map(EventCursor.event) ?? .start)
    }

    /// Prints what of the page is new and moves behind it; false when nothing is.
    private mutating func take(_ page: Page<WireEvent>) async throws -> Bool {
        var news: [Answer<WireEvent>] = []
        var place = page.elements.isEmpty ? page.lastID : nil
        for event in page.elements where news.count < left {
            place = event.value.id
            if seen.insert(event.value.id) { news.append(event) }
        }
        let text = news.flatMap { event in
            isJSON
                ? EventText.jsonLine(event.json)
                : Array(
                    (EventText.line(event.value, offset: Terminal.offset, hasColor: session.terminal.hasColor) + "\n")
                        .utf8)
        }
        if !text.isEmpty { try await session.output.write(text) }
        left -= news.count
        if let place { try await move(to: .event(place)) }
        return !news.isEmpty
    }

    private mutating func move(to place: EventCursor) async throws {
        guard place != cursor else { return }
        cursor = place
        try await cursorFile?.write(place)
    }

    /// One page; nil when there was none but the next try may bring one.
    private mutating func ask() async throws -> Page<WireEvent>? {
        do throws(ClientError) {
            let page = try await session.client.events(
                after: cursor, types: types, limit: min(left, Self.pageMax),
                wait: follows && hasAnswered ? Self.waitSeconds : 0)
            if outage != nil { session.narrator.tell("\(session.client.address) answers again") }
            outage = nil
            hasAnswered = true
            return page
        } catch {
            if try forgets(error) { return nil }
            guard follows, hasAnswered, BatchWatch.mayPass(error) else { throw error }
            if outage == nil {
                session.narrator.tell(
                    "no good answer from \(session.client.address); still trying, and no event is missed")
            }
            let start = outage ?? .now
            outage = start
            let elapsed = ContinuousClock.now - start
            guard elapsed < outageMax else { throw error }
            try await rest(BatchWatch.interval(elapsed: elapsed))
            return nil
        }
    }

    /// Whether the server has let go of the event we stand behind while we stood there: then everything it still has
    /// that was not printed is new. At the first question nobody knows what was missed, and that is an error.
    private mutating func forgets(_ error: ClientError) throws(CommandFailure) -> Bool {
        guard case .event(let id) = cursor, case .refused(let refusal, _) = error, refusal.status == 404 else {
            return false
        }
        guard hasAnswered, follows else {
            let wayOut = cursorFile.map { "delete \($0.path)" } ?? "give --after start"
            throw CommandFailure(
                .refused,
                "cannot go on after \(id): \(refusal.sentence). If the server keeps it no longer, later events may be "
                    + "gone, too; to begin with the oldest it has, \(wayOut)")
        }
        session.narrator.tell("the server keeps \(PlainText.safe(id)) no longer; going on with what it has")
        cursor = .start
        return true
    }

    private func rest(_ duration: Duration) async throws(ClientError) {
        do {
            try await pause(duration)
        } catch {
            throw .cancelled
        }
    }
}
