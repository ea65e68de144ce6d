// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// What a command that made a batch does with it: says that it is there, or follows it to its end.
struct Accompanying {
    /// The command's surroundings.
    let session: Session
    /// Whether progress is shown while it is followed.
    let isShown: Bool
    /// Where its results go in the end; nil for nowhere.
    let output: String?
    /// Whether the results of the batches it is a retry of go there, too.
    var merges = false
    /// Whether the batch is printed as JSON.
    let json: Bool

    /// Refuses options that exclude each other or need others; the same for every command that makes a batch.
    static func check(watch: Bool, wait: Bool, output: String?, json: Bool) throws(ValidationError) {
        if watch, wait { throw ValidationError("--watch and --wait exclude each other") }
        if output != nil, !watch, !wait {
            throw ValidationError("--output needs --watch or --wait: results are there only when the batch has ended")
        }
        if json, output == "-" { throw ValidationError("--json and --output - would mix on standard output") }
    }

    /// Prints what was made and says what can be done with it.
    func announce(_ created: Answer<WireBatch>) async throws {
        let batch = created.value
        if json {
            try await session.print(json: created.json)
        } else {
            try await session.print(PlainText.safe(batch.id))
        }
        session.narrator.say("  watch it:      " + session.hint("status \(batch.id) --watch"))
        session.narrator.say("  fetch results: " + session.hint("results \(batch.id) -o results.jsonl"))
        if batch.parentID != nil {
            session.narrator.say("  merge them:    " + session.hint("results \(batch.id) --merge -o merged.jsonl"))
        }
        session.narrator.say("  stop it:       " + session.hint("cancel \(batch.id)"))
    }

    /// Follows the batch to its end, saves its results and tells how it ended, by words and status.
    func follow(_ created: WireBatch) async throws {
        if !json, output != "-" { try await session.print(PlainText.safe(created.id)) }
        let follower = BatchWatch(session: session, isShown: isShown)
        if isShown {
            session.narrator.say("watching \(created.id); Ctrl-C stops watching, not the batch")
        }
        let ended = try await follower.followOrExplain(created.id, from: created)
        let batch = ended.value
        let isSaved = try await save(batch)
        if json { try await session.print(json: ended.json) }
        let status = BatchText.exitStatus(batch)
        if isShown || status != .done { follower.conclude(batch, hasSavedOutput: isSaved) }
        if status != .done { throw CommandFailure(status) }
    }

    /// Whether the results are where they were wanted.
    private func save(_ batch: WireBatch) async throws -> Bool {
        guard let output else { return false }
        if merges, batch.outputFileID != nil || batch.errorFileID != nil {
            try await Merging(session: session, isShown: isShown).merge(batch, to: output)
        } else if !merges, let id = batch.outputFileID {
            try await Fetching(session: session, isShown: isShown).fetch(id, to: output)
        } else {
            session.narrator.tell("\(output) was not written: no line \(merges ? "was run" : "succeeded")")
        }
        return true
    }
}
