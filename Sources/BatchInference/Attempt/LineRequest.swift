// SPDX-License-Identifier: Apache-2.0
package import Curl

/// One line, ready to be sent.
package struct LineRequest: Sendable {
    /// 0-based place of the line in its shard.
    package var ordinal: Int
    /// The line's raw `custom_id` token with its quotes, for the record.
    package var customID: ArraySlice<UInt8>
    /// What is sent, exactly as the user wrote it.
    package var body: SharedBytes
    /// Which try this is; the first is 1.
    package var attempt: Int
    /// When the batch's window ends on this process's monotonic clock; no call outlives it.
    package var windowEnds: ContinuousClock.Instant
    /// Tries before this one that use up none of the attempts a backend allows.
    package var uncounted = 0
    /// What the attempt before this one came to; empty for the first.
    package var lastError: String
    /// What an earlier start of an audio line brought back, see ``RetryOrder/upload``.
    package var upload: LineUpload?

    /// A line to send.
    package init(
        ordinal: Int, customID: ArraySlice<UInt8>, body: SharedBytes, attempt: Int,
        windowEnds: ContinuousClock.Instant, lastError: String = ""
    ) {
        self.ordinal = ordinal
        self.customID = customID
        self.body = body
        self.attempt = attempt
        self.windowEnds = windowEnds
        self.lastError = lastError
    }
}
