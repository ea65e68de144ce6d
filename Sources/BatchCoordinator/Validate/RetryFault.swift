// SPDX-License-Identifier: Apache-2.0

internal import BatchCore

/// Why it cannot be told which lines of a batch are to be run again; the retry is refused with it.
enum RetryFault: Error {
    /// The parent's error file was deleted or has expired since the retry was asked for.
    case isGone(parent: BatchID)
    /// The error file is not in the form, or does not name lines of the input file in their order.
    case doesNotFit(file: FileID, parent: BatchID, reason: String)

    /// The entry of the batch's problems.
    var problem: LineProblem {
        let message =
            switch self {
            case .isGone(let parent):
                "The error file of the batch '\(parent)' was deleted or has expired, so nobody knows which lines "
                    + "failed. Create a new batch of the lines you want to run."
            case .doesNotFit(let file, let parent, let reason):
                "The error file '\(file)' of the batch '\(parent)' does not fit its input file: \(reason). "
                    + "Create a new batch of the lines you want to run."
            }
        return LineProblem(
            code: LineProblem.Code.invalidRequest.rawValue, param: "parent_batch_id", line: nil, message: message)
    }
}
