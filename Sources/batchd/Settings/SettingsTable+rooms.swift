// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchWebhook
import BatchWorker

extension SettingsTable {
    /// The coordinator's rooms.
    static let coordinator: [Row] = [
        .integer("coordinator.validations_max", \.coordinator.validationsMax, 1...64, "Batches validated at once."),
        .integer("coordinator.finalizations_max", \.coordinator.finalizationsMax, 1...64, "Batches finalized at once."),
        .duration(
            "coordinator.duty_lease", \.coordinator.dutyLease, least: .seconds(1),
            "How long a duty stays with a coordinator that has died."),
        .duration("coordinator.duty_renew_every", \.coordinator.dutyRenewEvery, "How often a duty is renewed."),
        .duration("coordinator.poll_every", \.coordinator.pollEvery, "How long a room sleeps when nothing wakes it."),
        .duration(
            "coordinator.close_grace", \.coordinator.closeGrace, least: .zero,
            "How long a cancelled or expired batch waits for its workers to record."),
        .duration(
            "coordinator.worker_silence", \.coordinator.workerSilence, least: .seconds(1),
            "Workers that are silent for this long are forgotten."),
        .duration(
            "coordinator.forecast_every", \.coordinator.forecastEvery, least: .seconds(1),
            "How often it is measured which batches would miss their window."),
        .integer(
            "coordinator.poison_attempts", \.coordinator.poisonAttempts, 2...1_000,
            "Workers that a line may take with it before it is recorded as failed."),
        .duration(
            "coordinator.orphan_age", \.coordinator.orphanAge, least: .seconds(600),
            "Stored bytes that belong to no file are removed when they are this old."),
        .flag(
            "coordinator.provenance", \.coordinator.writesProvenance,
            "Whether a file that tells how each line was run is kept of every batch (`batchctl results --provenance`)."
        ),
        .bytes(
            "coordinator.spool_memory_bytes_max", \.coordinator.spoolMemoryBytesMax,
            "Results of one shard that finalizing keeps in memory; more goes through a file."),
        .text(
            "coordinator.spool_directory", \.coordinator.spoolDirectory, unit: "path",
            "Where finalizing puts its temporary files."),
    ]

    /// Completion notices.
    static let webhook: [Row] = [
        .text(
            "outbound.allow", \.outboundAllow, unit: "addresses, blocks, hosts",
            "Where users' URLs may lead although it is no public address: events are sent there, and inputs and audio "
                + "files are read from there. Separated by commas, such as 10.1.0.0/16,hooks.internal,.corp.example."),
        .text(
            "webhook.url", \.webhookURL, unit: "URL",
            "Receiver of the completion notices of all projects. Empty: none."),
        .text(
            "webhook.secret", \.webhookSecret, unit: "whsec_ and base64", secrecy: .hidden,
            "Secret that signs the notices (Standard Webhooks). Empty: unsigned."),
        .flag(
            "webhook.allow_private_addresses", \.webhookAllowsPrivate,
            "Whether `webhook.url` may lead to a loopback, private or link-local address."),
        .integer(
            "webhook.attempts_max", \.coordinator.notify.attemptsMax, 4...16_000,
            "Delivery attempts under way at once; a quarter is kept for receivers whose last attempt succeeded."),
        .integer(
            "webhook.attempts_per_target_max", \.coordinator.notify.attemptsPerTargetMax, 1...1_000,
            "The same to one receiver; one whose last attempt failed gets one at a time."),
        .duration("webhook.timeout", \.webhookTimeout, least: .milliseconds(100), "Longest attempt."),
        Row(
            name: "webhook.retry_waits", unit: "durations, separated by commas",
            meaning: "Waits after the first, second, … failed attempt; after the last one a delivery is given up.",
            flag: nil, secrecy: .open,
            read: { $0.coordinator.notify.schedule.waits.map(SettingText.duration).joined(separator: ",") },
            write: { settings, text in
                let waits = try text.split(separator: ",").map { try SettingText.duration(String($0)) }
                guard !waits.isEmpty else { throw SettingFault("must name at least one duration") }
                settings.coordinator.notify.schedule.waits = waits
            }),
        .duration(
            "webhook.disable_after", \.coordinator.notify.disableAfter, least: .seconds(1),
            "An endpoint whose attempts all fail for this long is disabled."),
        .duration(
            "webhook.drain_deadline", \.coordinator.notify.drainDeadline, least: .zero,
            "Time for attempts under way at the end."),
        .duration(
            "events.retention", \.coordinator.notify.retention, least: .seconds(3_600),
            "How long events and the log of their deliveries are kept."),
    ]

    /// The worker's rooms.
    static let worker: [Row] = [
        .integer(
            "worker.concurrency", \.worker.concurrency, 1...20_000, flag: "--concurrency",
            "Most calls in flight of one worker, and to the backend of `backend`; how many there are adapts to what "
                + "each backend keeps up with."),
        .duration("worker.lease", \.worker.lease, least: .seconds(1), "How long a dead worker keeps its shards."),
        .duration("worker.renew_every", \.worker.renewEvery, "How often leases are renewed."),
        .duration("worker.checkpoint_every", \.worker.checkpointEvery, "Longest time a result waits to be recorded."),
        .integer(
            "worker.checkpoint_lines_max", \.worker.checkpointLinesMax, 1...1_000_000,
            "Unrecorded results of a shard that are recorded at once."),
        .bytes("worker.checkpoint_bytes_max", \.worker.checkpointBytesMax, "The same in bytes."),
        .bytes(
            "worker.buffered_bytes_max", \.worker.bufferedBytesMax,
            "Unrecorded results in bytes above which no call starts."),
        .duration(
            "worker.drain_deadline", \.worker.drainDeadline, least: .zero, "Time for calls in flight at the end."),
        .duration(
            "worker.farewell_deadline", \.worker.farewellDeadline, "Time for the last recording after that."),
        .duration(
            "worker.cancel_grace", \.worker.cancelGrace, least: .zero,
            "Time for calls in flight of a cancelled batch."),
        .duration("worker.poll_every", \.worker.pollEvery, "How often to look for shards unasked."),
        .duration("worker.heartbeat_every", \.worker.heartbeatEvery, "How often the worker says that it lives."),
        .duration(
            "worker.share_silence", \.worker.shareSilence,
            "A worker that is silent for this long has no shares of backends with a cluster-wide cap any more."),
        .integer(
            "worker.held_batches_max", \.worker.heldBatchesMax, 1...10_000,
            "Batches of which a worker takes a first shard although it has enough lines on hand."),
        .integer("worker.claim_shards_max", \.worker.claimShardsMax, 1...64, "Shards claimed by one statement."),
        .integer(
            "worker.held_lines_max", \.worker.heldLinesMax, 1...10_000_000,
            "Lines on hand above which nothing is claimed."),
        .bytes(
            "worker.held_bytes_max", \.worker.heldBytesMax, "Bytes of lines on hand above which nothing is claimed."),
        .duration("worker.store_deadline", \.worker.storeDeadline, "A statement that takes longer is repeated."),
    ]
}
