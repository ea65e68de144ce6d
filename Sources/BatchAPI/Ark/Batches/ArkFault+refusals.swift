// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchFiles
import BatchStore

extension ArkFault {
    /// The error that the user sees for a refusal of the store's. (contracts: Ark error codes)
    init(_ refusal: ArkRefusal, id: BatchID?) {
        switch refusal {
        case .isRunning(let other):
            self.init(
                "OperationDenied.DuplicateBatchInferenceJob", status: 409,
                "You have a job for this input file in this project already: \(other). Wait for its end or stop it "
                    + "(StopBatchInferenceJob), or use another input file or ProjectName.")
        case .tooMany(let count, let max, let seconds):
            self.init(
                "QuotaExceeded.BatchInferenceJob", status: 400,
                "\(count) jobs were created in this project within the last \(Self.days(seconds)); at most \(max) are "
                    + "allowed. Put more lines into one file, use another ProjectName, or wait.")
        case .invocationReused:
            self.init(
                "InvalidParameter.InvocationId", status: 400,
                "The X-Sdk-Invocation-Id of this request was used for a different request. Send a new one with each "
                    + "new call.")
        case .notFound: self = .noBatch(id?.rawValue ?? "")
        case .notEnded(let phase):
            self = .denied(
                "PhaseNotAllowed",
                "The job \(id?.rawValue ?? "") is \(phase.rawValue): only jobs that are Completed, Terminated or "
                    + "Failed can be deleted. Stop it first (StopBatchInferenceJob) and wait until it is Terminated.")
        }
    }

    /// 404: there is no such job for this tenant.
    static func noBatch(_ id: String) -> ArkFault {
        ArkFault(
            "NotFound.BatchInferenceJob", status: 404,
            "There is no batch inference job '\(id)'. ListBatchInferenceJobs shows those of a project.")
    }

    /// 409: the job is in a state that forbids it.
    static func denied(_ reason: String, _ message: String) -> ArkFault {
        ArkFault("OperationDenied.\(reason)", status: 409, message)
    }

    /// The error for a file elsewhere that cannot be used; `parameter` named it.
    init(_ fault: RemoteFault, parameter: String) {
        switch fault.kind {
        case .forbidden, .noCredentials:
            self.init("AccessDenied.\(parameter)", 100_013, status: 403, fault.message)
        case .unreachable, .damaged, .vault:
            self.init("ServiceUnavailableTemp", status: 503, fault.message, retryAfterSeconds: 2)
        default: self = .invalidParameter(fault.message, detail: parameter)
        }
    }

    private static func days(_ seconds: Int64) -> String {
        seconds % 86_400 == 0 ? "\(seconds / 86_400) days" : "\(seconds) seconds"
    }
}
