// SPDX-License-Identifier: Apache-2.0

/// What holds for jobs that come in the manner of Ark; every one is a setting of the server. (contracts: Ark files)
package struct ArkLimits: Hashable, Sendable {
    /// Which models of the backends stand for those that clients name.
    package var models = ArkModels()
    /// Largest input file of a job, in bytes.
    package var inputBytesMax: Int64 = 5 << 30
    /// Jobs of one project and ProjectName under way at once; the others wait in the queue. 0: no limit.
    package var runningMax: Int = 20
    /// How long the lines and results of a job that ended without being complete are kept, so that it can be resumed,
    /// in seconds. 0: such jobs cannot be resumed.
    package var resumeSeconds: Int64 = 7 * 86_400
    /// Jobs that may be created in one project and ProjectName within ``jobsSeconds``, deleted ones included. 0: no
    /// limit.
    package var jobsMax: Int = 5_000
    /// The time within which ``jobsMax`` holds.
    package var jobsSeconds: Int64 = 7 * 86_400
    /// How long a repeated request to create a job is recognised by its `X-Sdk-Invocation-Id`, in seconds.
    package var invocationSeconds: Int64 = 86_400

    /// Longest time that a temporary API key may be good, in seconds.
    package var temporaryKeySecondsMax: Int = 30 * 86_400
    /// Temporary API keys of one project that may be good at once.
    package var temporaryKeysMax: Int = 10_000

    /// Completion windows that are accepted, in seconds: one day to 28. (contracts: Ark create request)
    package static let completionWindowSeconds: ClosedRange<Int64> = 86_400...(28 * 86_400)

    /// The defaults: what the service's documentation states.
    package init() {}
}
