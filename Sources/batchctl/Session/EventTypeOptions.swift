// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// Which types of events are meant.
struct EventTypeOptions: ParsableArguments {
    /// The types there are; a newer server may know more.
    static let known = ["batch.completed", "batch.failed", "batch.expired", "batch.cancelled"]

    /// `--types`, each as it was typed.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Only these types: batch.completed, batch.failed, batch.expired, batch.cancelled. [all]",
            valueName: "type,…"),
        completion: .list(known))
    var types: [String] = []

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        var seen: Set<String> = []
        for type in types.flatMap(Self.split) {
            guard !type.isEmpty, !type.contains(where: \.isWhitespace) else {
                throw ValidationError("--types must be a list such as batch.completed,batch.failed")
            }
            guard seen.insert(type).inserted else { throw ValidationError("--types names \(type) twice") }
        }
    }

    /// The types that were given, in their order; empty for all.
    var list: [String] { types.flatMap(Self.split) }

    private static func split(_ text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
}
