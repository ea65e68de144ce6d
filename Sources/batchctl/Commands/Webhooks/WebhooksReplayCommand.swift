// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl webhooks replay`
struct WebhooksReplayCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Send deliveries again: single ones, or those of a time.",
        discussion: """
            An event keeps its id, by which receivers know what they have had. With --endpoint and --since the \
            deliveries that were given up are sent again; with --all those that arrived, too; with --missed also \
            events that the endpoint was never sent, because it was disabled or not there yet.

            TIME is \(Moments.forms).
            """)

    /// The deliveries to send again, in this order; empty with `--endpoint`.
    @Argument(help: "The deliveries: whd_…")
    var ids: [String] = []

    /// `--endpoint`; nil when not given.
    @Option(name: .long, help: ArgumentHelp("Those of this endpoint, we_…, instead of single ones.", valueName: "id"))
    var endpoint: String?

    /// `--since`, as it was typed; nil when not given.
    @Option(name: .long, help: ArgumentHelp("With --endpoint: of events since then, such as 2h.", valueName: "time"))
    var since: String?

    /// `--until`, as it was typed; nil when not given.
    @Option(name: .long, help: ArgumentHelp("With --endpoint: of events until then. [now]", valueName: "time"))
    var until: String?

    /// `--all`.
    @Flag(name: .long, help: "With --endpoint: also those that were delivered.")
    var all = false

    /// `--missed`.
    @Flag(name: .long, help: "With --endpoint: also events that it was never sent.")
    var missed = false

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        guard ids.isEmpty != (endpoint == nil) else {
            throw ValidationError("give either deliveries, whd_…, or --endpoint with --since")
        }
        if endpoint == nil, since != nil || until != nil || all || missed {
            throw ValidationError("--since, --until, --all and --missed need --endpoint")
        }
        if let wrong = ids.first(where: { !$0.hasPrefix("whd_") }) {
            throw ValidationError(
                "\"\(wrong)\" is no delivery, whd_…; for those of an endpoint give --endpoint and --since")
        }
        _ = try order(now: Terminal.now)
    }

    /// Asks for the replay and prints what will be sent again.
    func run() async throws {
        let order = try order(now: Terminal.now)
        let session = try global.session()
        if let order {
            let answer = try await session.client.replayDeliveries(order)
            if format.isJSON {
                try await session.print(json: answer.json)
            } else {
                try await session.print(
                    "\(Quantities.count(answer.value.replayed, "delivery", "deliveries")) to be sent again")
            }
        }
        for id in ids {
            let answer = try await session.client.replayDelivery(id)
            if format.isJSON {
                try await session.print(json: answer.json)
            } else {
                try await session.print(PlainText.safe("\(answer.value.id)  \(answer.value.status)"))
            }
        }
    }

    /// What is to be replayed of an endpoint; nil without `--endpoint`.
    func order(now: Int64) throws(ValidationError) -> ReplayOrder? {
        guard let endpoint else { return nil }
        guard let since else { throw ValidationError("--endpoint needs --since, such as --since 2h") }
        let begin = try Self.instant(since, option: "--since", now: now)
        var end: Int64?
        if let until { end = try Self.instant(until, option: "--until", now: now) }
        guard begin <= end ?? now else { throw ValidationError("--since must not be later than \(until ?? "now")") }
        return ReplayOrder(
            endpointID: endpoint, since: begin, until: end, status: all ? "all" : "exhausted", includesMissed: missed)
    }

    private static func instant(_ text: String, option: String, now: Int64) throws(ValidationError) -> Int64 {
        guard let instant = Moments.instant(text, now: now, offset: Terminal.offset) else {
            throw ValidationError("\(option) must be a time, not \"\(text)\": \(Moments.forms)")
        }
        return instant
    }
}
