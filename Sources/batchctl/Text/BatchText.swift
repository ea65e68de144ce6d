// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import BatchCore

/// A batch in words. Pure: the present and the distance from UTC are given.
enum BatchText {
    /// Most problems of a failed batch that are listed.
    static let problemsShown = 20

    /// Everything worth knowing: the id and status, then one fact a line, then problems.
    static func details(_ batch: WireBatch, now: Int64, offset: (Int64) -> Int64) -> [String] {
        func instant(_ seconds: Int64) -> String {
            "\(Timestamps.text(seconds, offset: offset(seconds))) (\(Durations.relative(seconds, now: now)))"
        }
        var facts: [(String, String?)] = [
            ("name", batch.name),
            ("retry of", batch.parentID),
            ("endpoint", batch.endpoint),
            ("model", batch.model),
            ("priority", batch.shardline?.priority.flatMap { $0 == 0 ? nil : String($0) }),
            ("lane", batch.shardline?.lane.flatMap { $0 == "normal" ? nil : $0 }),
            ("lines", lines(batch)),
            ("created", instant(batch.createdAt)),
        ]
        if let ended = batch.endedAt {
            facts.append((batch.status, "\(instant(ended)), took \(Durations.words(ended - batch.createdAt))"))
        } else {
            facts.append(("paused", batch.isPaused ? batch.shardline?.pausedAt.map(instant) : nil))
            facts.append(("expires", batch.expiresAt.map(instant)))
        }
        facts += [
            ("input", batch.inputFileID),
            ("input from", batch.shardline?.input?.url),
            ("output", batch.outputFileID),
            ("errors", batch.errorFileID),
            ("provenance", batch.provenanceFileID),
            ("webhook", batch.shardline?.webhookURL),
            ("results to", batch.shardline?.output.map(delivery)),
            ("tokens", tokens(batch)),
        ]
        let labels = (batch.metadata ?? [:]).filter { $0.key != "ds_name" }.sorted { $0.key < $1.key }
        facts += labels.map { ("metadata", "\($0.key)=\($0.value)") }
        return ["\(PlainText.safe(batch.id))  \(PlainText.safe(status(batch)))"] + Facts.lines(facts) + problems(batch)
    }

    /// Where results go, and what became of it: `s3://bucket/dir/ (delivered)`.
    private static func delivery(_ output: WireRemoteOutput) -> String {
        let error = output.error.map { ": \($0)" } ?? ""
        return output.url + (output.status.map { " (\($0)\(error))" } ?? "")
    }

    /// The status, and behind it whether the batch is paused, which is no status of its own.
    static func status(_ batch: WireBatch) -> String { batch.isPaused ? batch.status + pausedMark : batch.status }

    /// What stands behind the status of a paused batch.
    static let pausedMark = " (paused)"

    /// What is unusual about a batch, for a list: `retry of batch_…, priority 5, background`; empty when nothing is.
    static func notes(_ batch: WireBatch) -> String {
        let priority = batch.shardline?.priority ?? 0
        let lane = batch.shardline?.lane ?? "normal"
        return [
            batch.parentID.map { "retry of \($0)" }, batch.shardline?.input.map { "from \($0.url)" },
            batch.shardline?.output.map { "to \(delivery($0))" }, priority == 0 ? nil : "priority \(priority)",
            lane == "normal" ? nil : lane,
        ].compactMap { $0 }.joined(separator: ", ")
    }

    /// How many lines there are and what became of them; nil while their number is unknown.
    static func lines(_ batch: WireBatch) -> String? { lines(batch.counts, isEnded: batch.isTerminal) }

    /// The same for the counts of a batch that has ended or not.
    static func lines(_ counts: RequestCounts, isEnded: Bool) -> String? {
        guard counts.total > 0 else { return nil }
        var parts = ["\(Quantities.count(counts.completed)) succeeded"]
        if counts.failed > 0 { parts.append("\(Quantities.count(counts.failed)) failed") }
        let rest = counts.total - counts.completed - counts.failed
        if rest > 0 { parts.append("\(Quantities.count(rest)) \(isEnded ? "not run" : "to go")") }
        return "\(Quantities.count(counts.total)): " + parts.joined(separator: ", ")
    }

    /// One sentence about a batch that has ended.
    static func ending(_ batch: WireBatch) -> String {
        var text = "\(batch.id) \(batch.knownStatus == .failed ? "failed validation" : batch.status)"
        if let ended = batch.endedAt { text += " after \(Durations.words(ended - batch.createdAt))" }
        if let lines = lines(batch) { text += "; lines \(lines)" }
        if let problems = batch.errors?.data, !problems.isEmpty {
            text += "; \(Quantities.count(Int64(problems.count), "problem")) in the input file"
        }
        return PlainText.safe(text)
    }

    /// The problems of a failed batch, one a line, as many as are shown; then how many are not.
    static func problems(_ batch: WireBatch) -> [String] {
        let problems = batch.errors?.data ?? []
        var lines = problems.prefix(problemsShown).map { problem in
            // Our own server's messages name the line themselves.
            let named = problem.message?.hasPrefix("Line ") == true ? nil : problem.line
            let place = named.map { "line \($0): " } ?? ""
            return "  " + PlainText.safe(place + labelled(problem.message, code: problem.code, param: problem.param))
        }
        if problems.count > problemsShown {
            lines.append(
                "  and \(Quantities.count(Int64(problems.count - problemsShown))) more: "
                    + "see them all with --json, or run batchctl validate on the input file")
        }
        return lines.isEmpty ? [] : ["problems:"] + lines
    }

    /// `message [code, param]`.
    static func labelled(_ message: String?, code: String?, param: String?) -> String {
        let marks = [code, param].compactMap { $0 }.joined(separator: ", ")
        let text = message ?? "no reason given"
        return marks.isEmpty ? text : "\(text) [\(marks)]"
    }

    /// What a batch that has ended makes the program exit with.
    static func exitStatus(_ batch: WireBatch) -> ExitStatus {
        guard batch.knownStatus == .completed else { return .notCompleted }
        return batch.counts.failed > 0 ? .linesFailed : .done
    }

    /// The moving line while a batch runs; `rate` in lines a second, `elapsed` in seconds since watching began.
    static func progress(_ batch: WireBatch, rate: Double?, elapsed: Int64) -> ProgressState {
        let counts = batch.counts
        return ProgressState(
            label: status(batch), done: counts.completed + counts.failed, total: counts.total, unit: .lines,
            failed: counts.failed, rate: batch.knownStatus == .inProgress ? rate : nil, elapsed: elapsed)
    }

    private static func tokens(_ batch: WireBatch) -> String? {
        guard let usage = batch.usage, let total = usage.totalTokens, total > 0 else { return nil }
        return "\(Quantities.count(usage.inputTokens ?? 0)) in, \(Quantities.count(usage.outputTokens ?? 0)) out, "
            + "\(Quantities.count(total)) total"
    }
}
