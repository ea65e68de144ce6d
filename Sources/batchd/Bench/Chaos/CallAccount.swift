// SPDX-License-Identifier: Apache-2.0

/// What a campaign's faults cost in calls: which were made again, and whether a loss explains each of them.
struct CallAccount: Sendable {
    /// Calls that the backend saw, refused ones included.
    private(set) var calls = 0
    /// Calls of lines that had a call before, without those that the backend itself spoiled.
    private(set) var repeated = 0
    /// Of these: lines without a call that a worker lost by being killed or paused, only by an outage of the database.
    private(set) var repeatedAfterOutage = 0
    /// Calls in flight or unrecorded when a worker was killed or paused: as many may be repeated.
    private(set) var lost = 0
    /// Further calls in flight or unrecorded during an outage of the database, which may cost a worker its leases.
    private(set) var atRisk = 0
    /// Longest time from the acknowledgement of a cancellation to the beginning of a call.
    private(set) var callAfterCancel = Duration.zero

    /// Takes the records of one round in.
    ///
    /// - Parameters:
    ///   - losses: all of them.
    ///   - cancelled: when the batch of a tag was cancelled, in microseconds.
    /// - Returns: what no loss explains, as sentences.
    mutating func add(
        _ records: [CallRecord], losses: [ChaosTimeline.Loss], cancelled: [UInt32: Int64]
    ) -> [String] {
        calls += records.count
        let byCaller = Dictionary(grouping: losses, by: \.caller)
        /// Whether a worker's own absence explains it, or else an outage; nil when nothing does.
        func isWorkersLoss(_ record: CallRecord) -> Bool? {
            let all = byCaller[record.caller, default: []].filter { record.began <= $0.to && record.ended >= $0.from }
            return all.isEmpty ? nil : all.contains(where: \.isWorkers)
        }
        var byLine: [LineMarker: [CallRecord]] = [:]
        for record in records where record.status == 200 || record.status == CallRecord.abandoned {
            byLine[record.marker, default: []].append(record)
            switch isWorkersLoss(record) {
            case true?: lost += 1
            case false?: atRisk += 1
            case nil: break
            }
            if let moment = cancelled[record.marker.tag], record.began > moment {
                callAfterCancel = max(callAfterCancel, .microseconds(record.began - moment))
            }
        }
        var faults: [String] = []
        for (marker, calls) in byLine where calls.count > 1 {
            repeated += calls.count - 1
            // One of them may be the one that counts; each of the others has to have been lost.
            let reasons = calls.map(isWorkersLoss)
            if !reasons.contains(true) { repeatedAfterOutage += calls.count - 1 }
            let unexplained = reasons.filter { $0 == nil }
            guard unexplained.count > 1 else { continue }
            let list = calls.sorted { $0.began < $1.began }.map {
                "\($0.caller) \($0.began)…\($0.ended) \($0.status)\(isWorkersLoss($0) == nil ? "" : " lost")"
            }
            faults.append(
                "line \(marker.number) of input \(marker.tag) was called \(calls.count) times without a reason: "
                    + list.joined(separator: ", "))
        }
        return faults
    }
}
