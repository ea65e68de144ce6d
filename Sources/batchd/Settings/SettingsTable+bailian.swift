// SPDX-License-Identifier: Apache-2.0
import BatchCore

extension SettingsTable {
    /// What users meet under `/compatible-mode/v1`.
    static let bailian: [Row] = [
        .bytes(
            "bailian.file_bytes_max", \.limits.bailian.fileBytesMax,
            "Under /compatible-mode/v1: largest file, uploaded or as the input of a batch."),
        .integer(
            "bailian.lines_max", \.limits.bailian.linesMax, 0...Int.max,
            "There: most request lines of an input file; 0: no limit."),
        .bytes("bailian.line_bytes_max", \.limits.bailian.lineBytesMax, "There: longest line, without its newline."),
        .integer(
            "bailian.custom_id_characters_max", \.limits.bailian.customIDCharactersMax, 1...2_048,
            "There: longest `custom_id` in characters."),
        .integer(
            "bailian.files_max", \.limits.bailian.filesMax, 0...Int.max,
            "There: uploads are refused when the project has this many uploaded files; 0: no limit."),
        .bytes(
            "bailian.storage_bytes_max", \.limits.bailian.storageBytesMax, least: 0,
            "There: uploads are refused when the project's uploaded files would have more together; 0: no limit."),
        .lifetime(
            "bailian.input_expires_after", \.limits.bailian.inputExpiresAfterSeconds,
            "There: lifetime of an uploaded batch input unless the upload names one; 0: for ever."),
        .lifetime(
            "bailian.output_expires_after", \.limits.bailian.outputExpiresAfterSeconds,
            "There: lifetime of result files unless the batch names one; 0: for ever."),
        .integer(
            "bailian.running_max", \.limits.bailian.runningMax, 0...Int.max,
            "There: batches of one project under way at once; 0: no limit."),
        .integer(
            "bailian.test_running_max", \.limits.bailian.testRunningMax, 0...Int.max,
            "There: those of the test model among them; 0: no limit."),
        .bytes(
            "bailian.test_file_bytes_max", \.limits.bailian.testFileBytesMax,
            "There: largest input file of the test model."),
        .integer(
            "bailian.test_lines_max", \.limits.bailian.testLinesMax, 0...Int.max,
            "There: most request lines of the test model; 0: no limit."),
        perMinute("creates", \.limits.bailian.createsPerMinuteMax, "batches created (or run again)"),
        perMinute("retrieves", \.limits.bailian.retrievesPerMinuteMax, "single batches looked at"),
        perMinute("lists", \.limits.bailian.listsPerMinuteMax, "pages of batches listed"),
        perMinute("cancels", \.limits.bailian.cancelsPerMinuteMax, "batches cancelled"),
        .integer(
            "bailian.projects_remembered_max", \.limits.bailian.projectsRememberedMax, 1...10_000_000,
            "There: projects whose calls per minute are counted at once; with more, counts begin anew."),
        .lifetime(
            "bailian.listed", \.limits.bailian.listedSeconds,
            "There: how far back lists of batches go; 0: to the beginning."),
        .integer(
            "bailian.utc_offset_minutes", \.limits.bailian.utcOffsetMinutes, -720...840,
            "There: the time zone of `create_after` and `create_before`, in minutes east of UTC."),
        window(
            "bailian.completion_window_min", "There: shortest completion window that is accepted.",
            read: \.lowerBound
        ) { range, seconds in
            guard seconds >= 1 else { throw SettingFault("must be at least 1s") }
            return seconds...max(seconds, range.upperBound)
        },
        // The shortest window is applied first: the table's order.
        window(
            "bailian.completion_window_max", "There: longest completion window that is accepted.",
            read: \.upperBound
        ) { range, seconds in
            guard seconds >= range.lowerBound else {
                throw SettingFault("must not be below bailian.completion_window_min")
            }
            return range.lowerBound...seconds
        },
    ]

    private static func perMinute(_ name: String, _ field: Row.Field<Int>, _ what: String) -> Row {
        .integer(
            "bailian.\(name)_per_minute_max", field, 0...10_000_000,
            "There: \(what) per minute, project and coordinator; 0: no limit.")
    }

    private static func window(
        _ name: String, _ meaning: String, read: @escaping @Sendable (ClosedRange<Int64>) -> Int64,
        write: @escaping @Sendable (ClosedRange<Int64>, Int64) throws -> ClosedRange<Int64>
    ) -> Row {
        Row(
            name: name, unit: "duration", meaning: meaning, flag: nil, secrecy: .open,
            read: { SettingText.duration(.seconds(read($0.limits.bailian.completionWindowSeconds))) },
            write: { settings, text in
                let seconds = try SettingText.duration(text).components.seconds
                settings.limits.bailian.completionWindowSeconds = try write(
                    settings.limits.bailian.completionWindowSeconds, seconds)
            })
    }
}
