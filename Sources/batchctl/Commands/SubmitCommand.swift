// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl submit`
struct SubmitCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Make a batch of a file of JSON lines: uploaded, or fetched by the server.",
        discussion: """
            FILE is a path, or where the server finds the file: s3://bucket/key, oss:region:bucket/key, \
            oss://bucket/key, tos://bucket/key or an https:// URL, which may be presigned. With --output \
            naming such a place the server writes the results there: under a prefix that ends in a slash, or to a \
            URL that takes a PUT.

            Prints the id of the batch. Check the file first with batchctl validate: one bad line fails the whole \
            batch. With --watch or --wait the exit status tells how the batch ended; see batchctl --help. Ctrl-C \
            then stops the watching, not the batch.
            """)

    /// The path or address as it was given; nil with `--file-id`.
    @Argument(help: "The file of JSON lines, or its address.", completion: .file(extensions: ["jsonl"]))
    var file: String?

    /// `--file-id`; nil when not given.
    @Option(name: .long, help: ArgumentHelp("A file that was uploaded before, instead of FILE.", valueName: "id"))
    var fileId: String?

    /// `--endpoint`; nil takes what the lines name.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The path every line names, such as /v1/chat/completions, or * where lines name several. [what they name]",
            valueName: "path"))
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

    /// Which batches it goes before.
    @OptionGroup var rank: RankOptions

    /// `--webhook`; nil when not given.
    @Option(
        name: .long,
        help: ArgumentHelp("Where to send an event when the batch has ended: http:// or https://.", valueName: "url"))
    var webhook: String?

    /// `--webhook-secret-file`; nil when not given.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The file with the whsec_… the event is signed with. [SHARDLINE_WEBHOOK_SECRET]", valueName: "path"),
        completion: .file())
    var webhookSecretFile: String?

    /// `--watch`.
    @Flag(name: .shortAndLong, help: "Show progress until the batch has ended.")
    var watch = false

    /// `--wait`.
    @Flag(name: .long, help: "Wait in silence until the batch has ended.")
    var wait = false

    /// `--output`: a path, `-` for standard output, or an address; nil when not given.
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "With --watch or --wait: write the results to this file. Or the address the server writes them to.",
            valueName: "path or address"))
    var output: String?

    /// `--errors-output`: an address; nil when not given.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The address the server writes the failed lines to, where it is not the prefix of --output.",
            valueName: "address"))
    var errorsOutput: String?

    /// `--json`.
    @Flag(name: .long, help: "Print the batch as JSON: as made, or with --watch or --wait as ended.")
    var json = false

    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        guard (file == nil) != (fileId == nil) else { throw ValidationError("give either FILE or --file-id") }
        if endpoint == nil, fileId != nil || remoteFile != nil {
            let what = fileId == nil ? "a file elsewhere" : "--file-id"
            throw ValidationError("\(what) needs --endpoint, because the file is not at hand")
        }
        try SubmitRules.checkAddresses(input: remoteFile, output: remoteOutput, errorsOutput: errorsOutput)
        if let endpoint { try SubmitRules.checkEndpoint(endpoint) }
        try Accompanying.check(watch: watch, wait: wait, output: localOutput, json: json)
        try SubmitRules.checkWindow(window)
        if let webhook { try WebhookRules.checkURL(webhook, option: "--webhook") }
        if webhookSecretFile != nil, webhook == nil { throw ValidationError("--webhook-secret-file needs --webhook") }
        _ = try SubmitRules.labels(metadata, name: name)
    }

    /// Uploads, creates, and with `--watch` or `--wait` follows to the end.
    func run() async throws {
        let labels = try SubmitRules.labels(metadata, name: name)
        let webhook = try await readWebhook()
        let session = try global.session()
        if let localOutput { try Fetching.checkDestination(localOutput) }
        let (fileID, endpoint) = try await provideFile(session)
        var order = BatchOrder(
            inputFileID: fileID, endpoint: endpoint, window: window, metadata: labels, rank: rank.rank,
            webhook: webhook)
        order.inputURL = remoteFile
        order.output = remoteOutput.map { ($0, errorsOutput) }
        let created = try await create(order, session)
        let company = Accompanying(session: session, isShown: watch, output: localOutput, json: json)
        if watch || wait {
            try await company.follow(created.value)
        } else {
            try await company.announce(created)
        }
    }
}

extension SubmitCommand {
    /// FILE, when it is an address that the server reads.
    private var remoteFile: String? { file.flatMap { SubmitRules.isAddress($0) ? $0 : nil } }

    /// `--output`, when it is an address that the server writes to.
    private var remoteOutput: String? { output.flatMap { SubmitRules.isAddress($0) ? $0 : nil } }

    /// `--output`, when it is a path.
    private var localOutput: String? { remoteOutput == nil ? output : nil }

    /// The webhook that was given, with its secret; nil for none.
    private func readWebhook() async throws -> BatchWebhook? {
        guard let webhook else { return nil }
        if let path = webhookSecretFile {
            return BatchWebhook(url: webhook, secret: try await WebhookRules.secret(file: path))
        }
        let secret = Environment.current().webhookSecret
        if let secret, !WebhookRules.isSecret(secret) {
            throw ValidationError("SHARDLINE_WEBHOOK_SECRET is no signing secret: \(WebhookRules.secretForm)")
        }
        return BatchWebhook(url: webhook, secret: secret)
    }

    /// The id of the file on the server, uploaded now unless it was before, and the endpoint its lines name.
    private func provideFile(_ session: Session) async throws -> (id: String, endpoint: String) {
        guard let path = file, remoteFile == nil else { return (fileId ?? "", self.endpoint ?? "") }
        let local = try LocalFile(path: path)
        let line = try await BlockingQueue(label: "input").run { () throws(ClientError) in
            try FirstLine.read(path, lineBytesMax: FirstLine.lineBytesMax)
        }
        var endpoint = try SubmitRules.endpoint(option: self.endpoint, firstLine: line, path: path)
        if self.endpoint == nil, let other = try await other(than: endpoint, in: path) {
            session.narrator.tell(SubmitRules.notice(endpoint, other, path: path))
            endpoint = SubmitRules.mixed
        }
        return (try await Sending(session: session).send(local, purpose: "batch").value.id, endpoint)
    }

    private func other(than url: String, in path: String) async throws -> (url: String, line: Int)? {
        try await BlockingQueue(label: "input").run { () throws(ClientError) in
            try FirstLine.other(than: url, in: path, lineBytesMax: FirstLine.lineBytesMax)
        }
    }

    private func create(_ order: BatchOrder, _ session: Session) async throws -> Answer<WireBatch> {
        do {
            return try await session.client.createBatch(order)
        } catch {
            guard order.inputURL == nil else { throw error }
            let endpoint = order.endpoint == SubmitRules.mixed ? "'\(order.endpoint)'" : order.endpoint
            let again = "submit --file-id \(order.inputFileID) --endpoint \(endpoint)"
            session.narrator.tell(
                "the file is stored as \(order.inputFileID), but no batch was made of it. "
                    + "To try again without uploading: \(session.hint(again))")
            throw error
        }
    }
}
