// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchFiles
internal import BatchStore
internal import Logging

/// Copies the sealed result files of a batch to where the user wants them, and then ends the batch: so that `completed`
/// means that they are there. Whatever happens the batch ends with its files here; what could not be delivered is noted
/// in the same commit.
///
/// A crash leaves a lease that runs out; the next one writes the same bytes under the same keys. So does a resumed job
/// with other bytes: what its earlier run left unfinished there is given up first, and a delivery ends when its lease
/// is not confirmed in time.
struct ResultDeliverer: Sendable {
    let store: Store
    let vault: any FileVault
    let desk: RemoteDesk
    let owner: CoordinatorID
    let keeper: DutyKeeper
    let configuration: CoordinatorConfiguration
    let logger: Logger

    /// Takes one batch and delivers its files; zero means that another may wait.
    func poll() async throws -> Duration? {
        guard
            let duty = try await store.claimHeld(
                owner: owner, lease: configuration.dutyLease, perProjectMax: configuration.remote.perProjectMax)
        else { return nil }
        if try await !keeper.keep(duty.finalization.lease, isStrict: true, while: { try await deliver(duty) }) {
            logger.info(
                "a delivery was taken over or called off", metadata: ["batch": "\(duty.finalization.lease.batch)"])
        }
        return .zero
    }

    private func deliver(_ duty: HeldDuty) async throws {
        let lease = duty.finalization.lease
        var objects: [String] = []
        var faults: [RemoteFault] = []
        for (kind, file, target) in targets(duty) {
            if let address = duty.delivered[kind] {
                objects.append(address)
                continue
            }
            // Who lost the lease must not write: a job may have gone on meanwhile, and left more at the same place.
            guard try await store.renewDuty(lease, lease: configuration.dutyLease) else { throw DutyLost() }
            do {
                let place = try await write(file, target, duty)
                guard try await store.markDelivered(lease, kind, to: place) else { throw DutyLost() }
                objects.append(place)
            } catch let fault as RemoteFault {
                faults.append(fault)
            }
        }
        // Results may have waited long for their turn: patience alone would give them one try.
        let isPatient =
            duty.age < configuration.remote.outputPatience
            || Int(duty.finalization.attempts) < configuration.remote.outputAttemptsMin
        if faults.contains(where: \.isRetryable), isPatient {
            logger.notice(
                "results could not be delivered; another attempt follows",
                metadata: [
                    "batch": "\(lease.batch)", "attempt": "\(duty.finalization.attempts)",
                    "reason": "\(faults.map(\.message).joined(separator: " "))",
                ])
            return try await store.releaseDuty(lease, failed: true)
        }
        try await end(duty, objects, faults)
    }

    private func end(_ duty: HeldDuty, _ objects: [String], _ faults: [RemoteFault]) async throws {
        var publication = duty.publication
        let error = faults.isEmpty ? nil : faults.map(\.message).joined(separator: " ")
        publication.remote = RemoteOutcome(objects: objects, error: error)
        publication.resumeWithin = configuration.resumeWithin(duty.finalization.profile)
        guard try await store.publishBatch(duty.finalization, publication) else { throw DutyLost() }
        var details: Logger.Metadata = [
            "batch": "\(duty.finalization.lease.batch)", "ending": "\(duty.finalization.ending)",
            "delivered": "\(objects.count)",
        ]
        if let error { details["undelivered"] = "\(error)" }
        logger.info("batch has ended", metadata: details)
    }

    private func write(_ file: NewFile, _ target: String, _ duty: HeldDuty) async throws -> String {
        let finalization = duty.finalization
        let object = try await desk.open(target, project: finalization.project, name: duty.projectName)
        return try await desk.transfer(object.place) { [vault, configuration] in
            try await object.write(
                file, of: vault, isRepeat: finalization.attempts > 1 || finalization.resumes > 0,
                spoolDirectory: configuration.spoolDirectory)
            return object.place
        }
    }

    /// Which file goes where. The error file has no place where only a URL for the output file was given.
    private func targets(_ duty: HeldDuty) -> [(ResultKind, NewFile, String)] {
        let output = duty.output
        var targets: [(ResultKind, NewFile, String)] = []
        if let file = duty.publication.output { targets.append((.output, file, Self.target(output.url, file))) }
        if let file = duty.publication.error {
            let isPrefix = output.url.hasSuffix("/") && !output.url.lowercased().hasPrefix("http")
            if let url = output.errorsURL ?? (isPrefix ? output.url : nil) {
                targets.append((.error, file, Self.target(url, file)))
            }
        }
        return targets
    }

    /// A prefix of a store and the file's name; a URL, or the key of an object, as it is.
    private static func target(_ text: String, _ file: NewFile) -> String {
        // What is no address is told when it is opened.
        switch try? ObjectAddress(text) {
        case .object(let object) where object.isPrefix: text + file.filename
        case .object, .url, nil: text
        }
    }
}
