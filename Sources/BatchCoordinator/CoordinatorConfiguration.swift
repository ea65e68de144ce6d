// SPDX-License-Identifier: Apache-2.0

package import BatchCore

/// Settings of a coordinator's rooms.
package struct CoordinatorConfiguration: Sendable {
    /// Limits that users meet.
    package var limits: Limits
    /// How long a duty is this coordinator's without a renewal. Default 15 s.
    package var dutyLease: Duration
    /// How often a duty is renewed while it is worked on. Default 4 s.
    package var dutyRenewEvery: Duration
    /// How long a room sleeps when nothing wakes it. Default 2 s.
    package var pollEvery: Duration
    /// Batches that are validated at once. Default 2.
    package var validationsMax: Int
    /// Batches that are finalized at once. Default 2.
    package var finalizationsMax: Int
    /// How long a cancelled or expired batch waits for its workers to flush. Default 15 s.
    package var closeGrace: Duration
    /// Blobs that no row refers to are removed when nobody has touched them for this long. Default 1 h.
    package var orphanAge: Duration
    /// How long workers' leases last, as configured for them: after an outage of the database they get as long to renew
    /// before anything is taken from them. Default 10 s.
    package var workerLease: Duration
    /// Workers that are silent for this long are forgotten. Default 60 s.
    package var workerSilence: Duration
    /// How often the rates of running batches are measured. Default 5 s.
    package var forecastEvery: Duration
    /// Workers that a line may take with it, alone in its part, before it is recorded as failed. Default 3.
    package var poisonAttempts: Int
    /// The Notify room.
    package var notify: NotifyConfiguration
    /// The Remote room.
    package var remote = RemoteConfiguration()
    /// Largest results of one shard, in bytes, that the finalizer keeps in memory; more goes through a file. Default
    /// 32 MiB.
    package var spoolMemoryBytesMax: Int
    /// Whether a file that tells how each line was run is written beside output and error file. Default true.
    package var writesProvenance: Bool
    /// Where spool files go; the system's directory for temporary files by default.
    package var spoolDirectory: String

    /// The defaults.
    package init(limits: Limits = Limits()) {
        self.limits = limits
        dutyLease = .seconds(15)
        dutyRenewEvery = .seconds(4)
        pollEvery = .seconds(2)
        validationsMax = 2
        finalizationsMax = 2
        closeGrace = .seconds(15)
        orphanAge = .seconds(3_600)
        workerLease = .seconds(10)
        workerSilence = .seconds(60)
        forecastEvery = .seconds(5)
        poisonAttempts = 3
        notify = NotifyConfiguration()
        spoolMemoryBytesMax = 32 << 20
        writesProvenance = true
        spoolDirectory = "/tmp"
    }

    /// How long lines and results of a batch of `profile` are kept when it ends early; nil: not at all.
    func resumeWithin(_ profile: Profile) -> Duration? {
        guard profile == .ark, limits.ark.resumeSeconds > 0 else { return nil }
        return .seconds(limits.ark.resumeSeconds)
    }

    /// What is wrong with the settings, all at once; empty when nothing is.
    package func validate() -> [String] {
        var problems: [String] = []
        if dutyRenewEvery * 2 > dutyLease {
            problems.append(
                "the duty lease (\(dutyLease)) must be at least twice its renewal interval (\(dutyRenewEvery))")
        }
        for (name, value) in [
            ("validations at once", validationsMax), ("finalizations at once", finalizationsMax),
            ("spool memory", spoolMemoryBytesMax), ("delivery attempts at once", notify.attemptsMax),
            ("delivery attempts at once to one receiver", notify.attemptsPerTargetMax),
            ("workers lost before a line is given up", poisonAttempts), ("fetches at once", remote.fetchesMax),
            ("deliveries of results at once", remote.deliveriesMax), ("attempts of a fetch", remote.inputAttemptsMax),
            ("fetches and deliveries of a project at once", remote.perProjectMax),
        ] where value < 1 {
            problems.append("\(name) must be at least 1, not \(value)")
        }
        return problems
    }
}
