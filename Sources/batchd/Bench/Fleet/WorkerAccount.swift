// SPDX-License-Identifier: Apache-2.0

/// Where a worker's time went, as it says at its end.
struct WorkerAccount: Hashable, Sendable {
    /// Shards claimed.
    var shardsClaimed: Int64
    /// Seconds that claiming took.
    var claimSeconds: Double
    /// Calls made, retries included.
    var calls: Int64
    /// Seconds of all calls together; calls overlap.
    var callSeconds: Double
    /// Checkpoints written, one per shard and statement.
    var checkpoints: Int64
    /// Seconds that writing them took.
    var recordSeconds: Double
    /// Processor seconds of the worker for claiming.
    var claimCPUSeconds: Double
    /// Processor seconds of the worker for writing checkpoints.
    var recordCPUSeconds: Double

    /// Reads the fields of the worker's last log line; nil when one is missing.
    init?(_ fields: [String: String]) {
        func integer(_ name: String) -> Int64? { fields[name].flatMap { Int64($0) } }
        func number(_ name: String) -> Double? { fields[name].flatMap { Double($0) } }
        guard let shards = integer("shards_claimed"), let claim = number("claim_seconds"),
            let calls = integer("calls"), let call = number("call_seconds"),
            let checkpoints = integer("checkpoints"), let record = number("record_seconds"),
            let claimCPU = number("claim_cpu_seconds"), let recordCPU = number("record_cpu_seconds")
        else { return nil }
        shardsClaimed = shards
        claimSeconds = claim
        self.calls = calls
        callSeconds = call
        self.checkpoints = checkpoints
        recordSeconds = record
        claimCPUSeconds = claimCPU
        recordCPUSeconds = recordCPU
    }
}
