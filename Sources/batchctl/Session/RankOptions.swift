// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// Which batches a batch goes before: the options of commands that make one.
struct RankOptions: ParsableArguments {
    /// A lane that batches may be in.
    enum LaneName: String, CaseIterable, ExpressibleByArgument {
        case normal
        case background
    }

    /// `--priority`, -100…100; nil when not given.
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("Among your batches the higher goes first: -100 to 100.", valueName: "n"))
    var priority: Int?

    /// `--lane`; nil when not given.
    @Option(
        name: .long,
        help: ArgumentHelp("normal, or background: only when nothing else is to be done.", valueName: "lane"))
    var lane: LaneName?

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        if let priority, !(-100...100).contains(priority) {
            throw ValidationError("--priority must be from -100 to 100, not \(priority)")
        }
    }

    /// What was given.
    var rank: BatchRank { BatchRank(priority: priority, lane: lane?.rawValue) }
}
