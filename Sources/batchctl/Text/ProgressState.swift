// SPDX-License-Identifier: Apache-2.0

/// How far something has come, at one moment.
struct ProgressState: Hashable {
    /// What is counted.
    enum Unit: Hashable {
        case bytes
        case lines
    }

    /// What is going on, such as `uploading input.jsonl` or `in_progress`.
    var label: String
    /// How much is done.
    var done: Int64 = 0
    /// How much there is; nil or 0 while that is unknown.
    var total: Int64?
    /// What is counted.
    var unit: Unit
    /// How many of those done went wrong.
    var failed: Int64 = 0
    /// Units in a second, of late; nil while unknown.
    var rate: Double?
    /// Seconds since it began.
    var elapsed: Int64 = 0

    /// Whole percent of the way; nil when the total is unknown.
    var percent: Int? { total.flatMap { Quantities.percent(done, of: $0) } }

    /// Seconds to go at the present rate; nil when nobody can tell, or when nothing is left.
    var secondsLeft: Int64? {
        guard let total, let rate, rate > 0, done < total else { return nil }
        let seconds = (Double(total - done) / rate).rounded(.up)
        return seconds < 100 * 86_400 ? Int64(seconds) : nil
    }

    /// The rate in words; nil while unknown or zero.
    var rateText: String? {
        guard let rate, rate > 0 else { return nil }
        return unit == .bytes ? Quantities.byteRate(rate) : Quantities.lineRate(rate)
    }
}
