// SPDX-License-Identifier: Apache-2.0

/// What a campaign consists of.
struct ChaosPlan: Hashable, Sendable {
    /// Decides everything that is left to chance; round 0 of a seed uses the seed itself.
    var seed: UInt64
    /// Kills in all.
    var kills: Int
    /// Rounds they are spread over.
    var rounds: Int
    /// Lines of the largest batches; others have down to a quarter of them.
    var lines: Int
    /// Worker processes.
    var workers: Int
    /// Coordinator processes.
    var coordinators: Int
    /// Calls in flight of each worker.
    var concurrency: Int
    /// What the backend takes for an answer.
    var latency: ClosedRange<Duration>
    /// Share of calls that the backend answers 500.
    var failRatio: Double
    /// How long a dead worker's shards and a dead coordinator's duties wait.
    var lease: Duration
    /// Batches under way at the same time.
    var lanes = 2
    /// Longest time without any progress while everything runs undisturbed.
    var stallMax: Duration
    /// Longest time from the last fault of a round to the end of its last batch.
    var limit: Duration

    /// Bytes of a line.
    static let lineBytes = 400
    /// Longest time that a result waits for its checkpoint.
    static let checkpointEvery = Duration.milliseconds(200)

    /// The seed of round `number`, from 0. Run with it as the campaign's seed, that round comes first.
    func seed(ofRound number: Int) -> UInt64 {
        guard number > 0 else { return seed }
        var numbers = SeededNumbers(seed: seed ^ (UInt64(number) &* 0xA24B_AED4_963E_E407))
        return numbers.next() >> 16
    }

    /// Kills of round `number`: as many as evenly possible.
    func kills(ofRound number: Int) -> Int {
        (number + 1) * kills / rounds - number * kills / rounds
    }

    /// Settings that make faults cost seconds instead of minutes; those of the command line come after them.
    var assignments: [String] {
        let lease = SettingText.duration(lease)
        let renew = SettingText.duration(self.lease * 0.25)
        var settings = [
            "worker.lease=\(lease)", "worker.renew_every=\(renew)", "worker.poll_every=250ms",
            "worker.heartbeat_every=250ms", "worker.checkpoint_every=\(SettingText.duration(Self.checkpointEvery))",
            "worker.cancel_grace=1s", "coordinator.duty_lease=\(lease)", "coordinator.duty_renew_every=\(renew)",
            "coordinator.poll_every=250ms", "coordinator.close_grace=1500ms", "coordinator.worker_silence=5s",
            "database.connect_timeout=2s", "limits.shard_lines_max=64",
        ]
        // Innocent lines may be under way at any number of kills.
        if SettingsTable.row("coordinator.poison_attempts") != nil {
            settings.append("coordinator.poison_attempts=1000")
        }
        return settings
    }
}
