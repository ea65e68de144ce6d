// SPDX-License-Identifier: Apache-2.0
import BatchAPI
import BatchCore

extension SettingsTable {
    /// What clients of Ark meet.
    static let ark: [Row] = [
        Row(
            name: "ark.models", unit: "mapping, or name=model pairs separated by commas",
            meaning: "Which model of the backends serves a model that clients of Ark name: for a foundation model "
                + "`name-version` or `name`, for others the id. A name without an entry is passed on, a foundation "
                + "model as `name-version`.",
            flag: nil, secrecy: .open, isMap: true, read: { $0.limits.ark.models.description },
            write: { settings, text in
                do {
                    settings.limits.ark.models = try ArkModels(parsing: text)
                } catch {
                    throw SettingFault("\(error)")
                }
            }),
        .bytes("ark.input_bytes_max", \.limits.ark.inputBytesMax, "Largest input file of an Ark job."),
        .integer(
            "ark.running_max", \.limits.ark.runningMax, 0...1_000_000,
            "Ark jobs of one project and ProjectName under way at once; the others stay Queued. 0: no limit."),
        .integer(
            "ark.temporary_key_seconds_max", \.limits.ark.temporaryKeySecondsMax, 1...(366 * 86_400),
            "Longest time that a temporary API key (GetApiKey) may be good, in seconds."),
        .integer(
            "ark.temporary_keys_max", \.limits.ark.temporaryKeysMax, 1...10_000_000,
            "Temporary API keys of one project that may be good at once."),
        .lifetime(
            "ark.resume_within", \.limits.ark.resumeSeconds,
            "How long the lines and results of a stopped, expired or failed Ark job are kept for a Resume; 0: not."),
        .integer(
            "ark.jobs_max", \.limits.ark.jobsMax, 0...100_000_000,
            "Ark jobs that one project may create per ProjectName within ark.jobs_within; 0: no limit."),
        .lifetime(
            "ark.jobs_within", \.limits.ark.jobsSeconds, "The time within which ark.jobs_max holds."),
        .lifetime(
            "ark.invocations_kept", \.limits.ark.invocationSeconds,
            "How long a repeated CreateBatchInferenceJob is recognised by its X-Sdk-Invocation-Id; at least 10m for the "
                + "SDK's own repeats."),
        .duration(
            "ark.check_deadline", \.api.arkCheckDeadline,
            "How long CreateBatchInferenceJob looks for the input file; a store that does not answer by then is tried "
                + "again when the job's turn comes."),
    ]
}
