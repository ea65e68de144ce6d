// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres

extension Row {
    /// The columns about files elsewhere.
    func remoteFiles() throws -> RemoteFiles {
        var files = RemoteFiles(inputURL: try self["input_url", as: String?.self])
        guard let url = try self["output_url", as: String?.self] else { return files }
        var output = RemoteOutput(url: url, errorsURL: try self["errors_url", as: String?.self])
        if try self["output_status", as: String?.self] != nil {
            output.outcome = RemoteOutcome(
                status: try choice("output_status"), error: try self["output_error", as: String?.self],
                objectsText: try self["output_objects", as: String?.self] ?? "[]")
        }
        files.output = output
        return files
    }
}
