// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore

/// Watches one batch from the outside and notes whatever goes backwards.
struct BatchWatch: Sendable {
    /// Every status that was seen, in order, with its time in microseconds.
    private(set) var history: [(status: String, at: Int64)] = []
    /// The batch as it was seen last.
    private(set) var last: WireBatch
    /// When the cancellation was acknowledged, if one was asked for.
    var cancelledAt: Int64?

    private let findings: ChaosFindings
    private let timeline: ChaosTimeline

    /// Watches a batch from its creation on.
    init(_ created: WireBatch, findings: ChaosFindings, timeline: ChaosTimeline) {
        last = created
        self.findings = findings
        self.timeline = timeline
        history = [(created.status, CallRecord.now())]
    }

    /// Takes a look in.
    mutating func see(_ batch: WireBatch) {
        let before = last
        last = batch
        if batch.status != before.status {
            history.append((batch.status, CallRecord.now()))
            if Self.rank(batch) < Self.rank(before) || before.isTerminal {
                findings.violation("\(batch.id) went from \(before.status) to \(batch.status)")
            }
        }
        let (now, then) = (batch.counts, before.counts)
        if now.completed < then.completed || now.failed < then.failed || (then.total > 0 && now.total != then.total) {
            findings.violation("\(batch.id): counts went from \(Self.text(then)) to \(Self.text(now))")
        }
        if now.completed + now.failed > now.total {
            findings.violation("\(batch.id): counts are beyond the total: \(Self.text(now))")
        }
        for (name, now, then) in [
            ("created_at", batch.createdAt, before.createdAt),
            ("in_progress_at", batch.inProgressAt, before.inProgressAt),
            ("finalizing_at", batch.finalizingAt, before.finalizingAt),
            ("cancelling_at", batch.cancellingAt, before.cancellingAt),
        ] where then != nil && now != then {
            findings.violation("\(batch.id): \(name) changed")
        }
        if batch.status != before.status || now != then { timeline.progressed() }
    }

    /// Where a status stands on the only way there is: forward.
    private static func rank(_ batch: WireBatch) -> Int {
        switch batch.knownStatus {
        case .validating: 0
        case .inProgress: 1
        case .cancelling: 2
        case .finalizing: 3
        case .completed, .failed, .expired, .cancelled: 4
        case nil: -1
        }
    }

    private static func text(_ counts: RequestCounts) -> String {
        "\(counts.completed) + \(counts.failed) of \(counts.total)"
    }
}
