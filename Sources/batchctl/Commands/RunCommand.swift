// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchCore
internal import BatchRun

/// `batchctl run`
struct RunCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a file of JSON lines against one inference server, without Shardline's.",
        discussion: """
            Reads the whole input and checks it, then calls the base URL for every line and writes the results into \
            one file, in the order of the input, as they come. Lines may name different paths (chat completions, \
            completions, embeddings, responses, score, rerank, audio transcriptions and translations) and, without \
            --model, different models.

              batchctl run -i input.jsonl -o results.jsonl --base-url http://127.0.0.1:8000
              batchctl run -i https://…/in.jsonl?… -o https://…/out.jsonl?… --base-url http://127.0.0.1:8000

            A run that was stopped, killed or cut off goes on with the same command and --resume: no finished line is \
            called again. Results that came before their turn wait in OUTPUT.journal, which goes at the end. Failed \
            lines stay as they are. Ctrl-C starts no more calls and waits for those in flight; a second one does not.

            ENVIRONMENT
              OPENAI_BASE_URL  the inference server, without --base-url
              OPENAI_API_KEY   the key to show it, without --api-key
            """,
        aliases: ["run-batch"])

    /// What is read and written.
    @OptionGroup(title: "Files") var files: RunFileOptions
    /// Who is called, and how.
    @OptionGroup(title: "Inference server") var server: RunServerOptions
    /// The bounds.
    @OptionGroup(title: "Limits") var limits: RunLimitOptions

    /// `--api-key` and `--quiet`. The whole program has them, so that a command's own would never get a value.
    @OptionGroup(title: "As in every command") var global: GlobalOptions

    /// `--json`.
    @Flag(name: .long, help: "Print a JSON object about the run at its end.")
    var json = false

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        try files.validate()
        try limits.validate()
        try server.validate()
        if global.url != nil {
            throw ValidationError("run needs no Shardline: name the inference server with --base-url, not --url")
        }
    }

    /// Runs the file and says what came of it.
    func run() async throws {
        let environment = Environment.current()
        let narrator = Narrator(Terminal(environment), isQuiet: global.quiet)
        do {
            let order = try order(environment)
            InterruptGrace.set(order.limits.drain + .seconds(10))
            let runner = try BatchRunner(order) { sentence in narrator.tell(PlainText.safe(sentence)) }
            let report = try await RunDisplay(runner: runner, narrator: narrator, input: order.input.name).run()
            let text = RunText(input: order.input.name, output: order.output.name, report: report)
            if json { try await StandardOutput().write(text.json.bytes + [UInt8(ascii: "\n")]) }
            narrator.say(text.summary)
            if report.failed > 0 { throw CommandFailure(.linesFailed) }
        } catch let error as RunError {
            try await explain(error)
        } catch is CancellationError {
            try await explain(RunError(.interrupted, "stopped"))
        }
    }

    private func order(_ environment: Environment) throws -> RunOrder {
        var order = RunOrder(
            input: try InputPlace(files.input), output: try OutputPlace(files.output),
            backend: try server.backend(environment, apiKey: global.apiKey), version: Program.version)
        order.model = server.model
        order.caBundlePath = server.caBundle
        order.errorsPath = files.splitErrors
        order.format = files.format
        order.existing = files.resume ? .resume : files.force ? .replace : .refuse
        order.temporaryFolder = files.tmpDir
        order.limits = limits.limits
        order.upload = limits.upload
        return order
    }

    /// Turns what ended a run early into words and a status.
    private func explain(_ error: RunError) async throws -> Never {
        let input = (try? InputPlace(files.input).name) ?? String(files.input.prefix { $0 != "?" })
        let problems = error.problems.map { problem in
            let place = problem.line.map { "\(input):\($0)" } ?? input
            return PlainText.safe(
                "\(place): " + BatchText.labelled(problem.message, code: problem.code, param: problem.param)) + "\n"
        }
        try await StandardOutput().write(Array(problems.joined().utf8))
        throw CommandFailure(RunText.status(of: error), error.message + RunText.advice(for: error))
    }
}

extension ResultFormat: ExpressibleByArgument {}
