// SPDX-License-Identifier: Apache-2.0
package import BatchInference

/// What a run shall do: one file of requests through one base URL into one file of results.
package struct RunOrder: Sendable {
    /// Where the request lines are.
    package var input: InputPlace
    /// Where the results go.
    package var output: OutputPlace
    /// Where failed lines go instead; nil leaves them in the output.
    package var errorsPath: String?
    /// How result lines are written.
    package var format = ResultFormat.shardline
    /// What is done with results that are there already.
    package var existing = ExistingResults.refuse
    /// The model every line must name; given to lines that name none. Nil: any model, but one must be named.
    package var model: String?
    /// Who is called; its `concurrency` is the most calls in flight.
    package var backend: BackendConfiguration
    /// PEM file of certificate authorities to trust in place of the system's; nil = the system's.
    package var caBundlePath: String?
    /// Where temporary files go; nil: beside the output, or the working directory when that is a URL.
    package var temporaryFolder: String?
    /// The bounds it keeps.
    package var limits = RunLimits()
    /// How the output goes to a URL.
    package var upload = UploadRule()
    /// The program's version, for the user agent.
    package var version: String

    /// An order; everything but these has a default.
    package init(input: InputPlace, output: OutputPlace, backend: BackendConfiguration, version: String) {
        self.input = input
        self.output = output
        self.backend = backend
        self.version = version
    }
}

/// What is done with results that an earlier run left.
package enum ExistingResults: Hashable, Sendable {
    /// Nothing: the run is refused.
    case refuse
    /// They stay, and only what is missing is called.
    case resume
    /// They are thrown away.
    case replace
}

/// The bounds of a run; none of them depends on the length of the input.
package struct RunLimits: Hashable, Sendable {
    /// Most request lines; 0 is no limit.
    package var linesMax = 0
    /// Longest line in bytes, without its line break.
    package var lineBytesMax = 64 << 20
    /// Most problems listed of an invalid input.
    package var problemsMax = 100
    /// Bytes of request lines in memory: those that wait and those in flight. One piece of the file may be added.
    package var heldBytesMax = 64 << 20
    /// Bytes of results that are not in a file yet; above that no call starts.
    package var pendingBytesMax = 64 << 20
    /// Bytes of results kept in memory because an earlier line has none yet; others wait in the journal.
    package var keptBytesMax = 64 << 20
    /// Results kept in memory for the same reason, for each call in flight. (contracts: vLLM, 16)
    package var keptPerCall = 16
    /// How far behind an unfinished line others may start.
    package var aheadMax = 1_000_000
    /// Bytes of the journal above which it is written anew without what it need not hold any more.
    package var journalBytesMax: Int64 = 64 << 20
    /// How long calls in flight may go on once the run was asked to stop.
    package var drain = Duration.seconds(30)
    /// First calls that are all refused with 401 or 403, after which the run is given up; 0 never does.
    package var refusalsMax = 20
    /// How long a base URL that answers nothing is called again before the run is given up.
    package var patience = Duration.seconds(600)

    /// The defaults.
    package init() {}
}

/// How results go to a URL. (contracts: vLLM `run-batch`, output)
package struct UploadRule: Hashable, Sendable {
    /// Tries in all, ≥ 1.
    package var attempts = 5
    /// Time between two of them.
    package var pause = Duration.seconds(5)
    /// Longest time of one.
    package var timeout = Duration.seconds(1_000)

    /// The defaults.
    package init() {}
}
