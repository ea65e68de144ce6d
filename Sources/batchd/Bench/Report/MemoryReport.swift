// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The figures of `batchd bench memory`.
struct MemoryReport: Sendable {
    /// What the batch consisted of.
    let input: BenchInput
    /// Largest resident set by kind of process, in bytes.
    let peaks: [String: Int64]
    /// The machine.
    let surroundings: BenchSurroundings
    /// What each stage took.
    let stages: [StageFigures]

    /// What every process has to stay under, in bytes: 256 MiB.
    static let bytesMax: Int64 = 256 << 20

    /// The report; good when every process stayed under the limit.
    var report: BenchReport {
        // The product first, largest first among PostgreSQL's.
        let sorted = peaks.sorted { one, other in
            let (first, second) = (one.key.hasPrefix("postgres"), other.key.hasPrefix("postgres"))
            return first == second ? one.value > other.value : second
        }
        var table = TextTable(["PROCESS", "PEAK", "UNDER 256 MiB"], words: [0, 2])
        for (kind, bytes) in sorted {
            table.add([kind, FigureText.mebibytes(bytes), bytes < Self.bytesMax ? "yes" : "NO"])
        }
        let times = stages.map { "\($0.stage.rawValue) \(FigureText.fixed($0.wall.inSeconds, 1)) s" }
        let text = """
            \(FigureText.count(input.lines)) lines, \(FigureText.mebibytes(Int64(input.bytes))), built-in model; every \
            line has one result, in order
            \(surroundings.text)\(times.joined(separator: ", "))

            Largest resident set of each kind of process, shared memory included (VmHWM):

            \(table.text)
            """
        return BenchReport(text: text, json: json(sorted), isGood: isGood)
    }

    /// Whether every process stayed under the limit.
    var isGood: Bool { peaks.values.allSatisfy { $0 < Self.bytesMax } }

    private func json(_ sorted: [(key: String, value: Int64)]) -> JSONValue {
        let processes = sorted.map { kind, bytes in
            JSONValue.object([
                .init("process", .string(kind)), .init("peak_bytes", .integer(bytes)),
                .init("under_limit", .bool(bytes < Self.bytesMax)),
            ])
        }
        let walls = stages.map { JSONValue.Member($0.stage.rawValue, .number($0.wall.inSeconds)) }
        return .object(
            [
                .init("bench", .string("memory")), .init("lines", .integer(Int64(input.lines))),
                .init("bytes", .integer(Int64(input.bytes))), .init("limit_bytes", .integer(Self.bytesMax)),
                .init("passed", .bool(isGood)), .init("wall_seconds", .object(walls)),
                .init("processes", .array(processes)),
            ] + surroundings.members)
    }
}
