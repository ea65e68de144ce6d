// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchFiles

extension SettingsTable {
    /// Inputs and results of batches elsewhere.
    static let remote: [Row] = [
        .integer("remote.fetches_max", \.coordinator.remote.fetchesMax, 1...64, "Inputs fetched at once."),
        .integer(
            "remote.deliveries_max", \.coordinator.remote.deliveriesMax, 1...64,
            "Batches whose results are delivered at once."),
        .integer(
            "remote.per_project_max", \.coordinator.remote.perProjectMax, 1...64,
            "Fetches, and deliveries, of one project at once, over all coordinators."),
        .integer(
            "remote.input_attempts_max", \.coordinator.remote.inputAttemptsMax, 1...100,
            "Attempts to fetch an input before its batch fails; the waits between them are 2s, 4s, 8s, … up to 5m."),
        .duration(
            "remote.output_patience", \.coordinator.remote.outputPatience,
            "How long results wait for a place that cannot be reached; then the batch ends with its files here only."),
        .integer(
            "remote.request_tries_max", \.remote.requestTriesMax, 1...20,
            "Tries of one request within an attempt."),
        .duration("remote.first_byte", \.remote.firstByte, "Longest wait for an answer to a request."),
        .duration("remote.stall", \.remote.stall, "Longest stretch in which nothing moves."),
        .duration("remote.transfer", \.remote.transfer, "Longest transfer of one file, in one attempt."),
    ]
}
