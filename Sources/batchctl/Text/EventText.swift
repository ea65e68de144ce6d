// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import BatchCore

/// An event in words. Pure.
enum EventText {
    /// The columns of the longest type there is.
    private static let typeColumns = "batch.completed".count

    /// One line: `2026-11-21 03:02:11  batch.completed  batch_…  3: 2 succeeded, 1 failed  nightly`
    ///
    /// - Parameters:
    ///   - offset: seconds by which the reader's clock is ahead of UTC at an instant.
    ///   - hasColor: whether the type is coloured.
    static func line(_ event: WireEvent, offset: (Int64) -> Int64, hasColor: Bool = false) -> String {
        let type = PlainText.safe(event.type)
        let padding = String(repeating: " ", count: max(typeColumns - PlainText.columns(type), 0))
        let code = hasColor ? event.data.status.flatMap(Paint.code) : nil
        let painted = code.map { "\u{1B}[\($0)m\(type)\u{1B}[0m" } ?? type
        let rest = [
            event.data.id, event.data.requestCounts.flatMap { BatchText.lines($0, isEnded: true) },
            event.data.metadata?["ds_name"],
        ].compactMap { $0.map(PlainText.safe) }.joined(separator: "  ")
        return "\(Timestamps.text(event.createdAt, offset: offset(event.createdAt)))  \(painted)"
            + (rest.isEmpty ? "" : "\(padding)  \(rest)")
    }

    /// An event's JSON as one line, as it came but for its line breaks, which JSON has between its parts only.
    static func jsonLine(_ json: [UInt8]) -> [UInt8] {
        json.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 } + [0x0A]
    }
}
