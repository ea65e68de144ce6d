// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchStore
internal import Logging

/// The Queue room: gives Ark jobs their places, those first that have waited longest, and lets resumed ones that got
/// theirs go on. (contracts: Ark files, jobs running per project)
struct BatchAdmitter: Sendable {
    let store: Store
    /// How many may be under way at once.
    let limits: ArkLimits
    let logger: Logger

    /// One bounded pass; zero means that more may be done at once.
    func poll() async throws -> Duration? {
        let admitted = try await store.admitBatches(
            runningMax: limits.runningMax, tenantMax: limits.tenantRunningMax)
        if !admitted.isEmpty {
            let jobs = admitted.map(\.rawValue).joined(separator: " ")
            logger.info("jobs got their places", metadata: ["jobs": "\(jobs)"])
        }
        let reopened = try await store.openReopened()
        if let reopened { logger.info("a resumed job goes on", metadata: ["batch": "\(reopened)"]) }
        return admitted.isEmpty && reopened == nil ? nil : .zero
    }
}
