// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchInference
internal import BatchRun

/// What `run` reads and writes.
struct RunFileOptions: ParsableArguments {
    /// `--input-file`: a path, `-` or a URL.
    @Option(
        name: [.customShort("i"), .customLong("input-file"), .customLong("input")],
        help: ArgumentHelp("The request lines: a file, a pipe, - or an http(s) URL.", valueName: "input"),
        completion: .file(extensions: ["jsonl"]))
    var input: String

    /// `--output-file`: a path or a URL.
    @Option(
        name: [.customShort("o"), .customLong("output-file"), .customLong("output")],
        help: ArgumentHelp(
            "Where the results go: a file, or an http(s) URL that takes one PUT (a presigned one).",
            valueName: "output"),
        completion: .file())
    var output: String

    /// `--split-errors`; nil when not given.
    @Option(
        name: .long, help: ArgumentHelp("Where failed lines go instead, in their order.", valueName: "file"),
        completion: .file())
    var splitErrors: String?

    /// `--format`.
    @Option(name: .long, help: "How result lines look: shardline (as OpenAI's) or vllm.")
    var format = ResultFormat.shardline

    /// `--resume`.
    @Flag(name: .long, help: "Go on with the results that are there.")
    var resume = false

    /// `--force`.
    @Flag(name: .long, help: "Replace the results that are there.")
    var force = false

    /// `--tmp-dir`; nil when not given.
    @Option(
        name: [.customLong("tmp-dir"), .customLong("output-tmp-dir")],
        help: ArgumentHelp(
            "Where temporary files go. [the folder of the output; for a URL the working directory]", valueName: "path"),
        completion: .directory)
    var tmpDir: String?

    /// Refuses what makes no sense.
    func validate() throws {
        if resume, force { throw ValidationError("--resume and --force exclude each other") }
        if input.isEmpty { throw ValidationError("--input-file must not be empty") }
        if output.isEmpty { throw ValidationError("--output-file must not be empty") }
    }
}

/// Who `run` calls, and how.
struct RunServerOptions: ParsableArguments {
    /// `--base-url`; nil when not given.
    @Option(
        name: .long,
        help: ArgumentHelp("The inference server, with or without /v1. [OPENAI_BASE_URL]", valueName: "url"))
    var baseUrl: String?

    /// `--model`; nil when not given.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The model of every line: given to lines that name none; another one is an error.", valueName: "name"))
    var model: String?

    /// `--header`, each as it was typed.
    @Option(
        name: .long, help: ArgumentHelp("A header field of every call. May be repeated.", valueName: "name: value"))
    var header: [String] = []

    /// `--ca-bundle`; nil when not given.
    @Option(
        name: .long,
        help: ArgumentHelp("PEM file of authorities to trust instead of the system's.", valueName: "path"),
        completion: .file())
    var caBundle: String?

    /// `--max-inflight`, 1…20,000.
    @Option(
        name: .long,
        help: ArgumentHelp("Most calls at once; how many are good is found out by trying.", valueName: "n"))
    var maxInflight = 256

    /// `--timeout`, in seconds.
    @Option(name: .long, help: ArgumentHelp("Longest time of one call, in seconds.", valueName: "s"))
    var timeout = 600

    /// `--connect-timeout`, in seconds.
    @Option(name: .long, help: ArgumentHelp("Longest time until a connection is there, in seconds.", valueName: "s"))
    var connectTimeout = 10

    /// `--attempts`, 1…100.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Calls made for one line before its failure is its result; waiting for a server that is away or busy "
                + "costs none.", valueName: "n"))
    var attempts = 5

    /// Refuses what makes no sense.
    func validate() throws {
        for (name, value) in [("--timeout", timeout), ("--connect-timeout", connectTimeout)] where value < 1 {
            throw ValidationError("\(name) must be at least 1, not \(value)")
        }
        if let model, model.isEmpty { throw ValidationError("--model must not be empty") }
        _ = try fields
    }

    /// The header fields.
    private var fields: [String: String] {
        get throws {
            var fields: [String: String] = [:]
            for text in header {
                guard let colon = text.firstIndex(of: ":"), colon > text.startIndex else {
                    throw ValidationError("--header must be written \"name: value\", with a colon between")
                }
                let value = text[text.index(after: colon)...].drop { $0 == " " }
                fields[String(text[..<colon])] = String(value)
            }
            return fields
        }
    }

    /// The server as the engine knows it.
    ///
    /// - Parameter apiKey: the key of the command line; nil when it has none.
    func backend(_ environment: Environment, apiKey: String?) throws -> BackendConfiguration {
        guard let url = baseUrl ?? environment.modelURL else {
            throw ValidationError("--base-url is missing: name the inference server, such as http://127.0.0.1:8000")
        }
        var backend = BackendConfiguration(
            name: ServerName.of(url), baseURL: url, apiKey: apiKey ?? environment.modelKey, models: [.any],
            concurrency: maxInflight, connectTimeout: .seconds(connectTimeout), firstByteTimeout: .seconds(timeout),
            idleTimeout: .seconds(timeout), totalTimeout: .seconds(timeout), attemptsMax: attempts)
        backend.headers = try fields
        // No line fails because the server is away: the run as a whole is given up when its patience is over.
        backend.outagePatience = .seconds(366 * 86_400)
        return backend
    }
}

/// The bounds of `run`.
struct RunLimitOptions: ParsableArguments {
    /// `--patience`, in seconds.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "How long a server that answers nothing is tried before the run is given up, in seconds.", valueName: "s"))
    var patience = 600

    /// `--max-refusals`; 0 never gives up.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "First calls refused with 401 or 403, without any other answer, after which the run is given up; 0 never.",
            valueName: "n"))
    var maxRefusals = RunLimits().refusalsMax

    /// `--drain`, in seconds.
    @Option(
        name: .long,
        help: ArgumentHelp("How long calls in flight may go on after Ctrl-C, in seconds.", valueName: "s"))
    var drain = 30

    /// `--max-lines`; 0 is no limit.
    @Option(name: .long, help: ArgumentHelp("Most request lines; 0 is no limit.", valueName: "n"))
    var maxLines = RunLimits().linesMax

    /// `--max-line-bytes`, ≥ 1.
    @Option(name: .long, help: ArgumentHelp("Longest line in bytes.", valueName: "n"))
    var maxLineBytes = RunLimits().lineBytesMax

    /// `--max-problems`, ≥ 1.
    @Option(name: .long, help: ArgumentHelp("Most problems listed of an invalid input.", valueName: "n"))
    var maxProblems = RunLimits().problemsMax

    /// `--buffer-bytes`, ≥ 1: request lines on hand, results on their way, results ahead of their turn, each.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Most bytes in memory of lines on hand, of results not written yet, and of results ahead of their turn, "
                + "each; and bytes of a journal that is worth writing anew.", valueName: "n"))
    var bufferBytes = RunLimits().heldBytesMax

    /// `--put-attempts`, ≥ 1.
    @Option(name: .long, help: ArgumentHelp("Tries to send the results to a URL.", valueName: "n"))
    var putAttempts = UploadRule().attempts

    /// `--put-pause`, in seconds.
    @Option(name: .long, help: ArgumentHelp("Time between them, in seconds.", valueName: "s"))
    var putPause = 5

    /// `--put-timeout`, in seconds.
    @Option(name: .long, help: ArgumentHelp("Longest time of one, in seconds.", valueName: "s"))
    var putTimeout = 1_000

    /// Refuses what makes no sense.
    func validate() throws {
        let values = [
            ("--patience", patience, 1), ("--drain", drain, 0), ("--max-lines", maxLines, 0),
            ("--max-refusals", maxRefusals, 0), ("--max-line-bytes", maxLineBytes, 1),
            ("--max-problems", maxProblems, 1),
            ("--buffer-bytes", bufferBytes, 1), ("--put-attempts", putAttempts, 1), ("--put-pause", putPause, 0),
            ("--put-timeout", putTimeout, 1),
        ]
        for (name, value, least) in values where value < least {
            throw ValidationError("\(name) must be at least \(least), not \(value)")
        }
    }

    /// The bounds as the runner knows them.
    var limits: RunLimits {
        var limits = RunLimits()
        limits.linesMax = maxLines
        limits.refusalsMax = maxRefusals
        limits.lineBytesMax = maxLineBytes
        limits.problemsMax = maxProblems
        limits.heldBytesMax = bufferBytes
        limits.pendingBytesMax = bufferBytes
        limits.keptBytesMax = bufferBytes
        limits.journalBytesMax = Int64(bufferBytes)
        limits.drain = .seconds(drain)
        limits.patience = .seconds(patience)
        return limits
    }

    /// How the output goes to a URL.
    var upload: UploadRule {
        var rule = UploadRule()
        rule.attempts = putAttempts
        rule.pause = .seconds(putPause)
        rule.timeout = .seconds(putTimeout)
        return rule
    }
}
