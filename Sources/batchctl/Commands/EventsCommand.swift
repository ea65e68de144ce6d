// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl events`
struct EventsCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Print what has happened to batches, oldest first.",
        discussion: """
            One line for each batch that has ended: time, type, batch and lines. With --json one JSON object a line, \
            as webhooks send it. With --follow new events are printed as they come, through restarts of the server and \
            failures of the network; no event is missed or printed twice. Ctrl-C ends it.

            With --cursor-file a run begins where the last one ended. The file is written after the events are \
            printed: a run that is killed between the two has its last events printed once more by the next.
            """)

    /// What `--after` takes besides ids.
    private static let places: [String: EventCursor] = ["now": .now, "start": .start]

    /// `--follow`.
    @Flag(name: .shortAndLong, help: "Do not end at the newest event: wait for more.")
    var follow = false

    /// `--after`; nil when not given.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Begin behind this event, evt_…, or at start, the oldest there is, or now. [start; with --follow now]",
            valueName: "id"),
        completion: .list(["start", "now"]))
    var after: String?

    /// `--cursor-file`; nil when not given.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keep the place in this file, and begin there when it exists, whatever --after says.", valueName: "path"),
        completion: .file())
    var cursorFile: String?

    /// Which events.
    @OptionGroup var types: EventTypeOptions

    /// `--limit`, ≥ 1; nil when not given.
    @Option(name: .long, help: ArgumentHelp("End after so many. [no end]", valueName: "n"))
    var limit: Int?

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1, not \(limit)") }
        if let after, Self.places[after] == nil, !Self.isEventID(after) {
            throw ValidationError("--after must be the id of an event, evt_…, or start or now, not \"\(after)\"")
        }
    }

    /// Reads, prints, and with `--follow` goes on until Ctrl-C.
    func run() async throws {
        let file = try cursorFile.map { path throws(ClientError) in try CursorFile(path: path) }
        let session = try global.session()
        let given = after.map { Self.places[$0] ?? .event($0) }
        let kept = try await file?.read()
        var watch = EventWatch(
            session: session, from: kept ?? given ?? (follow ? .now : .start), types: types.list, limit: limit,
            isJSON: format.isJSON, follows: follow, cursorFile: file)
        do {
            let hasMore = try await watch.run()
            if hasMore, !follow { session.narrator.say("there may be more: " + hint(watch.cursor, session)) }
        } catch ClientError.cancelled {
            if watch.cursor != .now { session.narrator.say("  go on from here: " + hint(watch.cursor, session)) }
            throw CommandFailure(.interrupted, "stopped reading events")
        }
    }

    /// Whether `text` has the form of an event's id.
    static func isEventID(_ text: String) -> Bool {
        text.hasPrefix("evt_") && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// The command that goes on behind `cursor`.
    private func hint(_ cursor: EventCursor, _ session: Session) -> String {
        var words = "events" + (follow ? " --follow" : "")
        if let cursorFile {
            words += " --cursor-file \(PlainText.safe(cursorFile))"
        } else if case .event(let id) = cursor {
            words += " --after \(PlainText.safe(id))"
        } else {
            words += " --after start"
        }
        if !types.list.isEmpty { words += " --types \(PlainText.safe(types.list.joined(separator: ",")))" }
        return session.hint(words + (format.isJSON ? " --json" : ""))
    }
}
