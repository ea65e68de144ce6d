// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchFiles
internal import BatchStore
internal import Logging

/// Brings the input of a batch from where the user said into the vault, before validation. The file's row and the link
/// from the batch are one commit; a crash before it leaves a lease that runs out and a blob that no row names.
struct InputFetcher: Sendable {
    let store: Store
    let vault: any FileVault
    let desk: RemoteDesk
    let owner: CoordinatorID
    let keeper: DutyKeeper
    let configuration: CoordinatorConfiguration
    let logger: Logger

    /// Takes one batch and fetches its input; zero means that another may wait.
    func poll() async throws -> Duration? {
        guard
            let duty = try await store.claimFetch(
                owner: owner, lease: configuration.dutyLease, perProjectMax: configuration.remote.perProjectMax)
        else { return nil }
        if try await !keeper.keep(duty.lease, while: { try await fetch(duty) }) {
            logger.info("a fetch was taken over or called off", metadata: ["batch": "\(duty.lease.batch)"])
        }
        return .zero
    }

    private func fetch(_ duty: FetchDuty) async throws {
        do {
            // Attempts whose end nobody saw: perhaps this fetch is what kills coordinators.
            guard Int(duty.attempts) <= configuration.remote.inputAttemptsMax else {
                throw RemoteFault(.unreachable, "The input could not be fetched: every attempt broke off.")
            }
            let blob = try await copy(duty)
            // A copy that nobody uploaded and few know of must not stay for ever, as uploads do in Bailian's manner.
            let lifetime = configuration.limits.inputExpiresAfterSeconds
            let file = NewFile(
                id: duty.file, project: duty.project, purpose: .batch, filename: Self.filename(duty.url),
                bytes: blob.bytes, sha256: blob.sha256, vaultKey: blob.vaultKey,
                expiresAfterSeconds: lifetime > 0 ? lifetime : nil)
            // A thrown error may hide a commit that took place: the blob stays, and the pruner removes what no row
            // names.
            guard try await store.finishFetch(duty.lease, file) else {
                try await vault.delete(blob.vaultKey)
                throw DutyLost()
            }
            logger.info(
                "input fetched", metadata: ["batch": "\(duty.lease.batch)", "bytes": "\(blob.bytes)"])
        } catch let fault as RemoteFault {
            try await settle(fault, duty)
        }
    }

    private func copy(_ duty: FetchDuty) async throws -> SealedBlob {
        let limits = configuration.limits.of(duty.profile)
        let object = try await desk.open(duty.url, project: duty.project, name: duty.projectName)
        return try await desk.transfer(object.place) { [vault] in
            try await object.fetch(into: vault, bytesMax: min(limits.inputBytesMax, limits.fileBytesMax))
        }
    }

    /// Gives the duty back for another attempt where that may help, and otherwise ends the batch.
    private func settle(_ fault: RemoteFault, _ duty: FetchDuty) async throws {
        let attemptsMax = configuration.remote.inputAttemptsMax
        var details: Logger.Metadata = [
            "batch": "\(duty.lease.batch)", "attempt": "\(duty.attempts)", "reason": "\(fault)",
        ]
        guard !fault.isRetryable || Int(duty.attempts) >= attemptsMax else {
            logger.notice("the input could not be fetched; another attempt follows", metadata: details)
            return try await store.releaseDuty(duty.lease, failed: true)
        }
        details["kind"] = "\(fault.kind.rawValue)"
        let tried = duty.attempts > 1 ? " It was tried \(duty.attempts) times." : ""
        let problem = LineProblem(
            code: "input_\(fault.kind.rawValue)", param: Self.param(duty.profile), line: nil,
            message: fault.message + tried)
        let text = JSONValue.array([problem.errorObject]).text
        guard try await store.refuseBatch(duty.lease, problems: text, event: .random()) else { throw DutyLost() }
        logger.notice("the input could not be fetched; the batch has failed", metadata: details)
    }

    /// The field of the request that named the input.
    private static func param(_ profile: Profile) -> String {
        switch profile {
        case .openAI: "input.url"
        case .bailian: "input_file_id"
        case .ark: "InputFileTosLocation"
        }
    }

    /// The last part of the address that looks like a name.
    static func filename(_ url: String) -> String {
        let path = url.contains("://") && url.lowercased().hasPrefix("http") ? url.prefix { $0 != "?" } : url[...]
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        let isName = path.split(separator: "/").count > 2 || !path.contains("://")
        return isName && !name.isEmpty && name.utf8.count <= 255 ? name : "input.jsonl"
    }
}
