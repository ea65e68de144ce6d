// SPDX-License-Identifier: Apache-2.0

import BatchCoordinator
import BatchCore
import BatchFiles

/// Looks at the files that a request to create a job names. (contracts: Ark create request)
struct ArkFileCheck: Sendable {
    /// Asks the stores; nil where nobody can be asked, and every file is taken for good.
    let probe: RemoteProbe?
    /// Largest input, in bytes.
    let inputBytesMax: Int64

    /// Refuses files that cannot be used as things stand.
    ///
    /// A store that does not answer is a reason to refuse a dry run; a job that is made just waits for it.
    /// - Throws: ``ArkFault``; what the database threw.
    func check(_ request: ArkCreateRequest, project: ProjectID) async throws {
        guard let probe else { return }
        do {
            try await probe.checkKeys(for: request.outputFolder, project: project)
        } catch let fault as RemoteFault {
            throw ArkFault(fault, parameter: "OutputDirTosLocation")
        }
        do {
            guard let bytes = try await probe.size(of: request.input, project: project), bytes > inputBytesMax else {
                return
            }
            throw ArkFault.invalidParameter(
                "The input file \(request.input) has \(bytes) bytes; at most \(inputBytesMax) are allowed. Split it "
                    + "into several jobs.", detail: "InputFileTosLocation")
        } catch let fault as RemoteFault where !fault.isRetryable || request.isDryRun {
            throw ArkFault(fault, parameter: "InputFileTosLocation")
        } catch is RemoteFault {
            // The room that fetches it tries again, and tells in the end.
        }
    }
}
