// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl submit`
struct SubmitCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Upload a file of JSON lines and make a batch of it.",
        discussion: """
            Prints the id of the batch. Check the file first with batchctl validate: one bad line fails the whole \
            batch. With --watch or --wait the exit status tells how the batch ended; see batchctl --help. Ctrl-C \
            then stops the watching, not the batch.
            """)

    /// The path as it was given; nil with `--file-id`.
    @Argument(help: "The file of JSON lines.", completion: .file(extensions: ["jsonl"]))
    var file: String?

    /// `--file-id`; nil when not given.
    @Option(name: .long, help: ArgumentHelp("A file that was uploaded before, instead of FILE.", valueName: "id"))
    var fileId: String?

    /// `--endpoint`; nil takes that of the first line.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The path every line names, such as /v1/chat/completions. [the url of the first line]", valueName: "path"))
    var endpoint: String?

    /// `--window`, such as `24h`.
    @Option(name: .long, help: ArgumentHelp("The time the batch has: 24h to 336h, or 1d to 14d.", valueName: "time"))
    var window = "24h"

    /// `--metadata`, each as it was typed.
    @Option(
        name: .long,
        help: ArgumentHelp("A label to keep with the batch. May be given up to 16 times.", valueName: "key=value"))
    var metadata: [String] = []

    /// `--name`; nil when not given.
    @Option(
        name: .long, help: ArgumentHelp("A name to find the batch by, kept as the label ds_name.", valueName: "name"))
    var name: String?

    /// `--watch`.
    @Flag(name: .shortAndLong, help: "Show progress until the batch has ended.")
    var watch = false

    /// `--wait`.
    @Flag(name: .long, help: "Wait in silence until the batch has ended.")
    var wait = false

    /// `--output`: a path, `-` for standard output; nil when not given.
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("With --watch or --wait: write the results to this file.", valueName: "path"))
    var output: String?

    /// `--json`.
    @Flag(name: .long, help: "Print the batch as JSON: as made, or with --watch or --wait as ended.")
    var json = false

    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        guard (file == nil) != (fileId == nil) else { throw ValidationError("give either FILE or --file-id") }
        if fileId != nil, endpoint == nil {
            throw ValidationError("--file-id needs --endpoint, because the file is not at hand")
        }
        if let endpoint, !endpoint.hasPrefix("/") {
            throw ValidationError("--endpoint must be a path such as /v1/chat/completions, not \"\(endpoint)\"")
        }
        if watch, wait { throw ValidationError("--watch and --wait exclude each other") }
        if output != nil, !watch, !wait {
            throw ValidationError("--output needs --watch or --wait: results are there only when the batch has ended")
        }
        if json, output == "-" { throw ValidationError("--json and --output - would mix on standard output") }
        try SubmitRules.checkWindow(window)
        _ = try SubmitRules.labels(metadata, name: name)
    }

    /// Uploads, creates, and with `--watch` or `--wait` follows to the end.
    func run() async throws {
        let labels = try SubmitRules.labels(metadata, name: name)
        let session = try global.session()
        if let output { try Fetching.checkDestination(output) }
        let (fileID, endpoint) = try await provideFile(session)
        let order = BatchOrder(inputFileID: fileID, endpoint: endpoint, window: window, metadata: labels)
        let created = try await create(order, session)
        if watch || wait {
            if !json, output != "-" { try await session.print(created.value.id) }
            try await accompany(created.value, session)
        } else {
            try await announce(created, session)
        }
    }
}

extension SubmitCommand {
    /// The id of the file on the server, uploaded now unless it was before, and the endpoint its lines name.
    private func provideFile(_ session: Session) async throws -> (id: String, endpoint: String) {
        guard let path = file else { return (fileId ?? "", endpoint ?? "") }
        let local = try LocalFile(path: path)
        let line = try await BlockingQueue(label: "input").run { () throws(ClientError) in
            try FirstLine.read(path, lineBytesMax: FirstLine.lineBytesMax)
        }
        let endpoint = try SubmitRules.endpoint(option: self.endpoint, firstLine: line, path: path)
        return (try await Sending(session: session).send(local, purpose: "batch").value.id, endpoint)
    }

    private func create(_ order: BatchOrder, _ session: Session) async throws -> Answer<WireBatch> {
        do {
            return try await session.client.createBatch(order)
        } catch {
            let again = "submit --file-id \(order.inputFileID) --endpoint \(order.endpoint)"
            session.narrator.tell(
                "the file is stored as \(order.inputFileID), but no batch was made of it. "
                    + "To try again without uploading: \(session.hint(again))")
            throw error
        }
    }

    /// Prints what was made and says what can be done with it.
    private func announce(_ created: Answer<WireBatch>, _ session: Session) async throws {
        let batch = created.value
        if json {
            try await session.print(json: created.json)
        } else {
            try await session.print(PlainText.safe(batch.id))
        }
        session.narrator.say("  watch it:      " + session.hint("status \(batch.id) --watch"))
        session.narrator.say("  fetch results: " + session.hint("results \(batch.id) -o results.jsonl"))
        session.narrator.say("  stop it:       " + session.hint("cancel \(batch.id)"))
    }

    /// Follows the batch to its end, saves its results and tells how it ended, by words and status.
    private func accompany(_ created: WireBatch, _ session: Session) async throws {
        let follower = BatchWatch(session: session, isShown: watch)
        if watch {
            session.narrator.say("watching \(created.id); Ctrl-C stops watching, not the batch")
        }
        let ended = try await follower.followOrExplain(created.id, from: created)
        let batch = ended.value
        if let output {
            if let id = batch.outputFileID {
                try await Fetching(session: session, isShown: watch).fetch(id, to: output)
            } else {
                session.narrator.tell("\(output) was not written: no line succeeded")
            }
        }
        if json { try await session.print(json: ended.json) }
        let status = BatchText.exitStatus(batch)
        if watch || status != .done {
            follower.conclude(batch, hasSavedOutput: output != nil)
        }
        if status != .done { throw CommandFailure(status) }
    }
}
