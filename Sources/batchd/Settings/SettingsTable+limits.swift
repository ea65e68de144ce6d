// SPDX-License-Identifier: Apache-2.0
import BatchCore

extension SettingsTable {
    /// What users meet.
    static let limits: [Row] = [
        .bytes("limits.file_bytes_max", \.limits.fileBytesMax, "Largest uploaded file."),
        .bytes(
            "limits.input_bytes_max", \.limits.inputBytesMax, "Largest input file of a batch (OpenAI: 209715200)."),
        .integer(
            "limits.lines_max", \.limits.linesMax, 0...Int.max,
            "Most request lines of an input file (OpenAI: 50000); 0: no limit."),
        .bytes("limits.line_bytes_max", \.limits.lineBytesMax, "Longest line, without its newline."),
        .bytes("limits.custom_id_bytes_max", \.limits.customIDBytesMax, "Longest `custom_id` in UTF-8 bytes."),
        .integer(
            "limits.embedding_inputs_max", \.limits.embeddingInputsMax, 1...Int.max,
            "Most embedding inputs over all lines of a batch."),
        .integer(
            "limits.problems_max", \.limits.problemsMax, 1...100_000, "Most problems that a failed batch lists."),
        .integer(
            "limits.webhook_endpoints_max", \.limits.webhookEndpointsMax, 1...100_000,
            "Most webhook endpoints of one project."),
        .integer("limits.nesting_depth_max", \.limits.nestingDepthMax, 2...10_000, "Deepest nesting in a line."),
        .integer("limits.shard_lines_max", \.limits.shardLinesMax, 1...100_000, "Most lines of one shard."),
        .bytes("limits.shard_bytes_max", \.limits.shardBytesMax, "Most raw bytes of one shard's lines."),
        .lifetime(
            "limits.input_expires_after", \.limits.inputExpiresAfterSeconds,
            "Lifetime of an uploaded batch input unless the upload names one; 0: for ever."),
        .lifetime(
            "limits.output_expires_after", \.limits.outputExpiresAfterSeconds,
            "Lifetime of result files unless the batch names one; 0: for ever."),
        Row(
            name: "limits.completion_window_min", unit: "duration",
            meaning: "Shortest completion window that is accepted.", flag: nil, secrecy: .open,
            read: { SettingText.duration(.seconds($0.limits.completionWindowSeconds.lowerBound)) },
            write: { settings, text in
                let least = try SettingText.duration(text).components.seconds
                let most = settings.limits.completionWindowSeconds.upperBound
                guard least >= 1 else { throw SettingFault("must be at least 1s") }
                settings.limits.completionWindowSeconds = least...max(least, most)
            }),
        Row(
            name: "limits.completion_window_max", unit: "duration",
            meaning: "Longest completion window that is accepted.", flag: nil, secrecy: .open,
            read: { SettingText.duration(.seconds($0.limits.completionWindowSeconds.upperBound)) },
            write: { settings, text in
                let most = try SettingText.duration(text).components.seconds
                let least = settings.limits.completionWindowSeconds.lowerBound
                // The shortest window is applied first: the table's order.
                guard most >= least else {
                    throw SettingFault("must not be below limits.completion_window_min")
                }
                settings.limits.completionWindowSeconds = least...most
            }),
    ]
}
