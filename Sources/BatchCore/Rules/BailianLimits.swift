// SPDX-License-Identifier: Apache-2.0

/// The limits of batches and files that come in the manner of Bailian; every one is a setting of the server, and 0
/// means no limit where it says so. (contracts: Bailian, differences from OpenAI and test model)
package struct BailianLimits: Hashable, Sendable {
    /// Largest file, uploaded or as the input of a batch, in bytes.
    package var fileBytesMax: Int64 = 500 << 20
    /// Most request lines in one input file; 0: no limit.
    package var linesMax: Int = 50_000
    /// Longest line in bytes, without its newline; inclusive.
    package var lineBytesMax: Int = 6 << 20
    /// Longest `custom_id` in Unicode scalars.
    package var customIDCharactersMax: Int = 256
    /// Completion windows that are accepted, in seconds.
    package var completionWindowSeconds: ClosedRange<Int64> = (24 * 3_600)...(336 * 3_600)
    /// Uploaded files that a project may have when it uploads another one; results do not count. 0: no limit.
    package var filesMax: Int = 10_000
    /// Their bytes together, the new one included. 0: no limit.
    package var storageBytesMax: Int64 = 100 << 30
    /// Lifetime of an upload unless it names one, in seconds. 0 means for ever.
    package var inputExpiresAfterSeconds: Int64 = 0
    /// Lifetime of result files unless the batch names one, in seconds. 0 means for ever.
    package var outputExpiresAfterSeconds: Int64 = 0
    /// Batches of a project that may be under way at once. 0: no limit.
    package var runningMax: Int = 1_000
    /// The same of the test model alone. 0: no limit.
    package var testRunningMax: Int = 2
    /// Largest input file of the test model, in bytes.
    package var testFileBytesMax: Int64 = 1 << 20
    /// Most request lines of the test model; 0: no limit.
    package var testLinesMax: Int = 100
    /// Batches that a project may create per minute and coordinator. 0: no limit.
    package var createsPerMinuteMax: Int = 1_000
    /// The same of looking at one batch.
    package var retrievesPerMinuteMax: Int = 1_000
    /// The same of listing batches.
    package var listsPerMinuteMax: Int = 100
    /// The same of cancelling.
    package var cancelsPerMinuteMax: Int = 1_000
    /// Projects whose calls are counted at once; see the calls per minute.
    package var projectsRememberedMax: Int = 10_000
    /// How far back lists of batches go, in seconds. 0 means to the beginning.
    package var listedSeconds: Int64 = 30 * 86_400
    /// The offset from UTC in which `create_after` and `create_before` are written, in minutes.
    package var utcOffsetMinutes: Int = 480

    /// The defaults: what the service's documentation states.
    package init() {}
}

/// How many batches a project may have under way in a profile; 0 means no limit.
package struct RunningLimits: Hashable, Sendable {
    /// Batches of every endpoint.
    package var all: Int
    /// Batches of the test model.
    package var test: Int

    /// No limit unless given.
    package init(all: Int = 0, test: Int = 0) {
        self.all = all
        self.test = test
    }
}

/// How many uploaded files a project may have, and of what size together; 0 means no limit.
package struct StorageLimits: Hashable, Sendable {
    /// Files.
    package var files: Int
    /// Bytes of all together.
    package var bytes: Int64

    /// No limit unless given.
    package init(files: Int = 0, bytes: Int64 = 0) {
        self.files = files
        self.bytes = bytes
    }
}

extension Limits {
    /// The limits that hold in `profile`; those of a batch also depend on its `endpoint`.
    package func of(_ profile: Profile, endpoint: String? = nil) -> Limits {
        var limits = self
        switch profile {
        case .openAI:
            return self
        case .ark:
            limits.fileBytesMax = ark.inputBytesMax
            limits.inputBytesMax = ark.inputBytesMax
            limits.completionWindowSeconds = ArkLimits.completionWindowSeconds
            return limits
        case .bailian:
            break
        }
        if let only = profile.endpoints {
            limits.endpoints = endpoints.only(only)
            limits.allowsMixedEndpoints = false
        }
        limits.fileBytesMax = bailian.fileBytesMax
        limits.inputBytesMax = bailian.fileBytesMax
        limits.linesMax = bailian.linesMax
        limits.lineBytesMax = bailian.lineBytesMax
        limits.customIDCharactersMax = bailian.customIDCharactersMax
        // Four bytes are the longest character: here the characters decide.
        limits.customIDBytesMax = bailian.customIDCharactersMax * 4
        limits.inputExpiresAfterSeconds = bailian.inputExpiresAfterSeconds
        limits.outputExpiresAfterSeconds = bailian.outputExpiresAfterSeconds
        limits.completionWindowSeconds = bailian.completionWindowSeconds
        if endpoint == Endpoint.test.rawValue {
            limits.inputBytesMax = min(limits.inputBytesMax, bailian.testFileBytesMax)
            if bailian.testLinesMax > 0 {
                limits.linesMax =
                    limits.linesMax > 0 ? min(limits.linesMax, bailian.testLinesMax) : bailian.testLinesMax
            }
        }
        return limits
    }

    /// How many batches of `profile` a project may have under way.
    package func running(of profile: Profile) -> RunningLimits {
        profile == .bailian ? RunningLimits(all: bailian.runningMax, test: bailian.testRunningMax) : RunningLimits()
    }

    /// What a project may store when it uploads in the manner of `profile`.
    package func storage(of profile: Profile) -> StorageLimits {
        profile == .bailian
            ? StorageLimits(files: bailian.filesMax, bytes: bailian.storageBytesMax) : StorageLimits()
    }
}
