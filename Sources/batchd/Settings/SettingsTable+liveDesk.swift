// SPDX-License-Identifier: Apache-2.0
import BatchAPI

extension SettingsTable {
    /// What Ark's batch chat takes in.
    static let liveDesk: [Row] = [
        .bytes("live.body_bytes_max", \.api.liveBodyBytesMax, "Largest body of a batch chat request."),
        .bytes(
            "live.held_bytes_max", \.api.liveHeldBytesMax,
            "Bodies of batch chat requests that one coordinator is receiving or keeps out of the database, together; "
                + "more are refused with 429."),
    ]
}
