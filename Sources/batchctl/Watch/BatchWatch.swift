// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import BatchCore

/// Follows a batch until it has ended, and shows how it goes.
struct BatchWatch {
    /// How long the server may be away while we watch; the batch itself does not mind.
    static let outageMax = Duration.seconds(600)

    /// The command's surroundings.
    let session: Session
    /// Whether progress is shown; else only trouble is.
    let isShown: Bool

    /// Looks at the batch again and again, and returns it as it ended.
    func follow(_ id: String, from first: WireBatch? = nil) async throws(ClientError) -> Answer<WireBatch> {
        let began = ContinuousClock.now
        var meter = RateMeter(window: 30)
        var outage: ContinuousClock.Instant?
        var hasAnswered = first != nil
        if let first { show(first, &meter, since: began) }
        while true {
            do throws(ClientError) {
                let answer = try await session.client.batch(id)
                if outage != nil { session.narrator.tell("\(session.client.address) answers again") }
                outage = nil
                hasAnswered = true
                show(answer.value, &meter, since: began)
                if answer.value.isTerminal {
                    session.narrator.clear()
                    return answer
                }
            } catch {
                guard hasAnswered, Self.mayPass(error) else { throw stop(error) }
                if outage == nil {
                    session.narrator.tell(
                        "no good answer from \(session.client.address); still trying, the batch goes on")
                }
                let start = outage ?? .now
                outage = start
                guard ContinuousClock.now - start < Self.outageMax else { throw stop(error) }
            }
            do {
                try await Task.sleep(for: Self.interval(elapsed: ContinuousClock.now - began))
            } catch {
                throw stop(.cancelled)
            }
        }
    }

    /// Time between two looks: short at first, so that small batches feel quick, longer for those that take hours.
    static func interval(elapsed: Duration) -> Duration {
        if elapsed < .seconds(5) { return .milliseconds(250) }
        if elapsed < .seconds(600) { return .seconds(1) }
        return .seconds(5)
    }

    /// Whether a server that was there may be there again soon.
    static func mayPass(_ error: ClientError) -> Bool {
        switch error {
        case .unreachable, .interrupted, .serverFault: true
        case .refused(let refusal, _): refusal.status == 429
        case .unintelligible, .localFile, .outputClosed, .unsendable, .cancelled: false
        }
    }

    private func show(_ batch: WireBatch, _ meter: inout RateMeter, since began: ContinuousClock.Instant) {
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        // Time before the first line may run must not slow the rate down.
        if batch.knownStatus == .inProgress {
            meter.add(batch.counts.completed + batch.counts.failed, at: seconds)
        }
        guard isShown, !batch.isTerminal else { return }
        session.narrator.show(
            BatchText.progress(batch, rate: meter.rate, elapsed: Int64(seconds)), time: seconds)
    }

    private func stop(_ error: ClientError) -> ClientError {
        session.narrator.clear()
        return error
    }
}

extension BatchWatch {
    /// Follows the batch; when watching is cut short, says that the batch goes on and how to come back.
    func followOrExplain(_ id: String, from first: WireBatch? = nil) async throws -> Answer<WireBatch> {
        do {
            return try await follow(id, from: first)
        } catch ClientError.cancelled {
            session.narrator.tell("  watch it again: " + session.hint("status \(id) --watch"))
            session.narrator.tell("  stop it:        " + session.hint("cancel \(id)"))
            throw CommandFailure(.interrupted, "stopped watching; \(id) goes on")
        }
    }

    /// Tells how a batch ended and where its results are.
    func conclude(_ batch: WireBatch, hasSavedOutput: Bool = false) {
        let narrator = session.narrator
        narrator.say(BatchText.ending(batch))
        for line in BatchText.problems(batch) { narrator.say(line) }
        if batch.outputFileID != nil, !hasSavedOutput {
            narrator.say("  results: " + session.hint("results \(batch.id) -o results.jsonl"))
        }
        if batch.errorFileID != nil {
            narrator.say("  errors:  " + session.hint("results \(batch.id) --errors -o errors.jsonl"))
        }
    }
}
