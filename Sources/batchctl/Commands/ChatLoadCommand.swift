// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient
internal import BatchCore

/// `batchctl chat-load`
struct ChatLoadCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "chat-load", abstract: "Send many batch chat requests at once, and say what came of them.",
        discussion: """
            Does what the example of Ark's document does: so many callers, each with one request of \
            /api/v3/batch/chat/completions under way, send so many requests one after the other. Refusals that may \
            pass (429, 5xx, lost connections) are sent again as the vendor's SDKs do it, until the time of the request \
            is over; a Retry-After holds all callers back.

              batchctl chat-load --model my-model --callers 100 --tasks 5

            The summary counts requests: answered, failed, repetitions, answers per second and how long answers took, \
            repetitions included. Ctrl-C gives up what is under way and prints the summary of what was done. Exit \
            status 0 when every request was answered.
            """)

    /// `--model`.
    @Option(name: .shortAndLong, help: "The model or endpoint id that the requests name.")
    var model: String

    /// `--callers`, 1…50,000.
    @Option(name: .shortAndLong, help: ArgumentHelp("Requests under way at once.", valueName: "n"))
    var callers = 10_000

    /// `--tasks`, ≥ 1.
    @Option(name: .shortAndLong, help: ArgumentHelp("Requests of each caller, one after the other.", valueName: "n"))
    var tasks = 5

    /// `--system`.
    @Option(name: .long, help: ArgumentHelp("The first message, as the system.", valueName: "text"))
    var system = "你是豆包,是由字节跳动开发的 AI 人工智能助手"

    /// `--prompt`.
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The second message, as the user; {n} stands for the number of the request.", valueName: "text"))
    var prompt = "常见的十字花科植物有哪些?"

    /// `--timeout`, in seconds.
    @Option(name: .long, help: ArgumentHelp("Longest time for one request, in seconds.", valueName: "s"))
    var timeout = 86_400

    /// `--in-memory`.
    @Flag(name: .long, help: "Ask the server not to write the requests into its database.")
    var inMemory = false

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Callers that are let start at most.
    private static let callersMax = 50_000
    /// Files and sockets of the program besides the callers'.
    private static let otherFiles = 64

    /// Refuses what makes no sense before anything is sent.
    func validate() throws {
        guard (1...Self.callersMax).contains(callers) else {
            throw ValidationError("--callers must be 1…\(Self.callersMax), not \(callers)")
        }
        guard (1...1_000_000_000).contains(tasks) else {
            throw ValidationError("--tasks must be at least 1, not \(tasks)")
        }
        guard (1...259_200).contains(timeout) else {
            throw ValidationError("--timeout must be 1…259200 seconds (72 hours), not \(timeout)")
        }
        if model.isEmpty { throw ValidationError("--model must name a model") }
    }

    /// Sends everything and prints the summary.
    func run() async throws {
        let files = OpenFiles.raised()
        guard callers + Self.otherFiles <= files else {
            throw ValidationError(
                "--callers \(callers) needs as many sockets, and this system allows \(files) open files: "
                    + "raise ulimit -n, or have fewer callers")
        }
        let session = try global.session()
        // A wrong address or key is told at once; the callers themselves would go on trying.
        _ = try await session.client.models()
        let plan = ChatPlan(
            base: base(of: session.client.address), apiKey: global.apiKey ?? Environment.current().apiKey,
            callers: callers, tasks: tasks, timeout: .seconds(timeout), isDurable: !inMemory)
        let tally = ChatTally()
        let began = ContinuousClock.now
        let painter = Task { await paint(tally, of: plan, session.narrator) }
        let (model, system, prompt, tasks) = (model, system, prompt, tasks)
        await ChatLoad(plan, tally: tally, userAgent: "batchctl/\(Program.version)").run { caller, task in
            let text = prompt.replacing("{n}", with: String(caller * tasks + task))
            return ChatPlan.body(model: model, system: system, prompt: text)
        }
        painter.cancel()
        await painter.value
        session.narrator.clear()
        let text = ChatLoadText(plan: plan, figures: tally.figures, duration: .now - began)
        try await session.print(format.isJSON ? [text.json.text] : text.lines)
        if Task.isCancelled { throw CommandFailure(.interrupted) }
        if tally.figures.answered < plan.requests { throw CommandFailure(.linesFailed) }
    }

    /// Where Ark's runtime is on that server: beside `/v1`, unless the address names it already.
    private func base(of address: ServerAddress) -> String {
        let root = address.description
        return root.hasSuffix("/api/v3") ? root : root + "/api/v3"
    }

    private func paint(_ tally: ChatTally, of plan: ChatPlan, _ narrator: Narrator) async {
        let began = ContinuousClock.now
        var meter = RateMeter(window: 10)
        while true {
            // Cancellation ends the wait early.
            try? await Task.sleep(for: narrator.refreshInterval)
            if Task.isCancelled { return }
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            let figures = tally.figures
            let done = Int64(figures.answered + figures.failed)
            meter.add(done, at: seconds)
            let state = ProgressState(
                label: "answered", done: done, total: Int64(plan.requests), unit: .lines,
                failed: Int64(figures.failed), rate: meter.rate, elapsed: Int64(seconds))
            narrator.show(state, time: seconds)
        }
    }
}
