// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// What a bench says in the end.
struct BenchReport: Sendable {
    /// For people.
    var text: String
    /// For programs: one object.
    var json: JSONValue
    /// Whether everything that the bench checks holds.
    var isGood = true
}

/// The machine during a bench.
struct BenchSurroundings: Hashable, Sendable {
    /// At the beginning.
    var before: MachineState
    /// At the end.
    var after: MachineState
    /// Processors that others kept busy on average meanwhile; nil when that was not measured.
    var othersCores: Double?

    /// One line for readers who would compare durations.
    var text: String {
        let others = othersCores.map { "; others kept \(FigureText.fixed($0, 1)) of them busy meanwhile" } ?? ""
        return """
            \(before.cores) cores, load \(FigureText.fixed(before.load, 1)) at the beginning and \
            \(FigureText.fixed(after.load, 1)) at the end\(others)

            """
    }

    /// The same as members of an object.
    var members: [JSONValue.Member] {
        var members: [JSONValue.Member] = [
            .init("cores", .integer(Int64(before.cores))), .init("load_before", .number(before.load)),
            .init("load_after", .number(after.load)),
        ]
        if let othersCores { members.append(.init("cores_used_by_others", .number(othersCores))) }
        return members
    }
}
