// SPDX-License-Identifier: Apache-2.0

/// The limits that users meet; every one is a setting of the server.
package struct Limits: Hashable, Sendable {
    /// Largest uploaded file, in bytes.
    package var fileBytesMax: Int64 = 8 << 30
    /// Largest input file of a batch, in bytes; OpenAI's own is 209,715,200.
    package var inputBytesMax: Int64 = 8 << 30
    /// Most request lines in one input file; OpenAI's own is 50,000. 0 means no limit.
    package var linesMax: Int = 5_000_000
    /// Longest line in bytes, without its newline; inclusive.
    package var lineBytesMax: Int = 6 << 20
    /// Longest `custom_id` in UTF-8 bytes.
    package var customIDBytesMax: Int = 512
    /// Longest `custom_id` in Unicode scalars; nil for no such limit.
    package var customIDCharactersMax: Int?
    /// Most embedding inputs over all lines of a batch.
    package var embeddingInputsMax: Int = 5_000_000
    /// Most problems a failed batch lists; the last entry says how many were cut.
    package var problemsMax: Int = 1_000
    /// Deepest nesting of arrays and objects in a line.
    package var nestingDepthMax: Int = 128
    /// Most lines of one shard.
    package var shardLinesMax: Int = 256
    /// Most raw bytes of one shard's lines; a longer line is a shard of its own.
    package var shardBytesMax: Int = 1 << 20
    /// Lifetime of an uploaded batch input unless the upload says otherwise, in seconds. 0 means for ever.
    package var inputExpiresAfterSeconds: Int64 = 30 * 86_400
    /// Lifetime of output and error files unless the batch says otherwise, in seconds. 0 means for ever.
    package var outputExpiresAfterSeconds: Int64 = 30 * 86_400
    /// Completion windows that are accepted, in seconds: 24 h (OpenAI) to 336 h (Bailian).
    package var completionWindowSeconds: ClosedRange<Int64> = (24 * 3_600)...(336 * 3_600)

    /// The paths that lines may name.
    package var endpoints = EndpointList.standard
    /// Whether a batch may have the endpoint `*`, whose lines each name their own path and model.
    package var allowsMixedEndpoints = true

    /// Most webhook endpoints of one project.
    package var webhookEndpointsMax: Int = 100
    /// What holds instead in the manner of Bailian.
    package var bailian = BailianLimits()
    /// What holds for jobs in the manner of Ark.
    package var ark = ArkLimits()

    /// The defaults.
    package init() {}
}
