// SPDX-License-Identifier: Apache-2.0

/// One line that shows a ``ProgressState``. Pure.
enum ProgressLine {
    /// Columns of the bar without its brackets.
    private static let barColumns = 10...30

    /// For a terminal of `width` columns; never wider than `width` - 3, so that no terminal wraps it, not even with
    /// the `^C` that it may echo behind it:
    /// `uploading a.jsonl [====>     ]  45%  1.24 / 2.76 GB  84.0 MB/s  ETA 0:18`
    ///
    /// What there is no room for is left out: first the bar, then rate, amounts and ETA.
    static func terminal(_ state: ProgressState, width: Int) -> String {
        let room = max(width - 3, 0)
        let percent = state.percent.map { String(repeating: " ", count: $0 < 10 ? 2 : $0 < 100 ? 1 : 0) + "\($0)%" }
        var parts = Parts(
            percent: percent, amounts: amounts(state, between: " / "), failed: failed(state), rate: state.rateText,
            time: time(state))
        let label = PlainText.safe(state.label)
        let fixed = PlainText.columns(([label] + parts.texts).joined(separator: "  "))
        let bar = room - fixed - 3
        if let total = state.total, total > 0, bar >= barColumns.lowerBound {
            let bar = self.bar(state.done, of: total, columns: min(bar, barColumns.upperBound))
            return "\(label) [\(bar)]  " + parts.texts.joined(separator: "  ")
        }
        for part in [\Parts.rate, \.amounts, \.time, \.failed, \.percent] {
            if PlainText.columns(([label] + parts.texts).joined(separator: "  ")) <= room { break }
            parts[keyPath: part] = nil
        }
        return PlainText.fit(([label] + parts.texts).joined(separator: "  "), width: room)
    }

    /// For a log: `uploading a.jsonl: 45%, 1.24 of 2.76 GB, 84.0 MB/s, ETA 0:18`
    static func plain(_ state: ProgressState) -> String {
        let label = PlainText.safe(state.label)
        let texts = Parts(
            percent: state.percent.map { "\($0)%" }, amounts: amounts(state, between: " of "), failed: failed(state),
            rate: state.rateText, time: time(state)
        ).texts
        return texts.isEmpty ? label : "\(label): " + texts.joined(separator: ", ")
    }

    /// `====>     `: the arrow's head stands where things are; full only when all is done.
    static func bar(_ done: Int64, of total: Int64, columns: Int) -> String {
        let filled = min(max(Int(Double(done) / Double(total) * Double(columns)), 0), columns)
        if filled == columns { return String(repeating: "=", count: columns) }
        return String(repeating: "=", count: filled) + ">" + String(repeating: " ", count: columns - filled - 1)
    }

    private struct Parts {
        var percent: String?
        var amounts: String?
        var failed: String?
        var rate: String?
        var time: String?

        var texts: [String] { [percent, amounts, failed, rate, time].compactMap { $0 } }
    }

    private static func amounts(_ state: ProgressState, between word: String) -> String? {
        guard let total = state.total, total > 0 else {
            return state.unit == .bytes ? Quantities.size(state.done) : nil
        }
        switch state.unit {
        case .lines: return "\(Quantities.count(state.done))\(word)\(Quantities.count(total, "line"))"
        case .bytes:
            let (done, all) = (Quantities.size(state.done), Quantities.size(total))
            // The unit is said once where both have the same.
            let (number, unit) = (done.prefix { $0 != " " }, done.drop { $0 != " " })
            return "\(all.hasSuffix(unit) ? String(number) : done)\(word)\(all)"
        }
    }

    private static func failed(_ state: ProgressState) -> String? {
        state.failed > 0 ? "\(Quantities.count(state.failed)) failed" : nil
    }

    private static func time(_ state: ProgressState) -> String? {
        if let left = state.secondsLeft { return "ETA \(Durations.clock(left))" }
        return state.total ?? 0 == 0 && state.elapsed > 0 ? Durations.clock(state.elapsed) : nil
    }
}
