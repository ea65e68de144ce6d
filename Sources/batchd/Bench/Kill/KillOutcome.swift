// SPDX-License-Identifier: Apache-2.0

/// What became of one batch whose worker or coordinator was killed.
struct KillOutcome: Hashable, Sendable {
    /// Which process was killed.
    var victim: String
    /// The batch's status at the kill, which it still had when the next process was there.
    var status: String
    /// Time from the beginning of that stage to the kill.
    var intoStage: Duration
    /// Time that the stage took undisturbed.
    var undisturbed: Duration
    /// Lines with a recorded result at the kill.
    var linesDone: Int64
    /// From the kill until the next process was ready.
    var backAfter: Duration
    /// From the kill until the batch was completed.
    var completedAfter: Duration
    /// Calls that the next worker made, where a worker was killed.
    var callsAfter: Int64?
}
