// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference

extension SettingsTable {
    /// What lines may ask for.
    static let endpoints: [Row] = [
        Row(
            name: "endpoints.allow", unit: "paths",
            meaning: "Paths that lines may name, separated by commas; passed through to the backends as they are.",
            flag: nil, secrecy: .open, read: { $0.limits.endpoints.description },
            write: { settings, text in
                do throws(EndpointFault) {
                    settings.limits.endpoints = try EndpointList(parsing: text)
                } catch {
                    throw SettingFault(error.description)
                }
            }),
        .flag(
            "endpoints.mixed", \.limits.allowsMixedEndpoints,
            "Whether a batch may have the endpoint `*`: each of its lines names its own path and model."),
    ]

    /// Files that audio lines name by `file_url`.
    static let audio: [Row] = [
        .bytes("audio.file_bytes_max", \.audio.fileBytesMax, "Largest file of an audio line."),
        .bytes(
            "audio.held_bytes_max", \.audio.heldBytesMax,
            "Most bytes of such files that one worker holds; a file being fetched counts as `audio.file_bytes_max`."),
        .duration("audio.fetch_timeout", \.audio.fetchTimeout, "Longest fetch of one such file."),
    ]
}
