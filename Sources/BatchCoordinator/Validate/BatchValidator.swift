// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchFiles
internal import BatchStore
internal import Logging

/// The Validate room: reads the whole input file once as a stream, collects every problem, and hands good lines to the
/// Shard room. The batch becomes `in_progress` or `failed` in one commit; a crash before that leaves drafts only.
struct BatchValidator: Sendable {
    let store: Store
    let vault: any FileVault
    let owner: CoordinatorID
    let keeper: DutyKeeper
    let configuration: CoordinatorConfiguration
    let modelIsKnown: @Sendable (String) -> Bool
    let logger: Logger

    /// Raw bytes of packed shards that are gathered for one insert.
    private static let insertBytes = 8 << 20

    /// Takes one batch and validates it; zero means that another may wait.
    func poll() async throws -> Duration? {
        guard let duty = try await store.claimValidation(owner: owner, lease: configuration.dutyLease) else {
            return nil
        }
        if try await !keeper.keep(duty.lease, while: { try await validate(duty) }) {
            logger.info("validation was taken over or called off", metadata: ["batch": "\(duty.lease.batch)"])
        }
        return .zero
    }

    private func validate(_ duty: ValidationDuty) async throws {
        if let problem = modelProblem(of: duty) { return try await refuse(duty, [problem]) }
        let file: StoredFile
        switch try await input(of: duty) {
        case .found(let found): file = found
        case .refused(let problem): return try await refuse(duty, [problem])
        }
        guard try await store.dropDrafts(duty.lease) else { throw DutyLost() }
        let split: Split
        do {
            split = try await read(file, duty)
        } catch VaultError.missing {
            return try await refuse(duty, [Self.missing(duty)])
        } catch let fault as RetryFault {
            return try await refuse(duty, [fault.problem])
        }
        guard split.verdict.problems.isEmpty else { return try await refuse(duty, split.verdict.problems) }
        let lines = Int64(split.lineCount)
        let model = duty.profile.linesNameTarget ? split.verdict.model : duty.model
        guard try await store.openShards(duty.lease, total: lines, model: model) else {
            throw DutyLost()
        }
        logger.info(
            "batch is in progress", metadata: ["batch": "\(duty.lease.batch)", "lines": "\(split.lineCount)"])
    }

    /// Why the model that stands for all lines is none; nil where the lines name theirs.
    private func modelProblem(of duty: ValidationDuty) -> LineProblem? {
        guard !duty.profile.linesNameTarget else { return nil }
        guard let model = duty.model, modelIsKnown(model) else {
            return LineProblem(
                code: LineProblem.Code.modelNotFound.rawValue, param: "ModelReference", line: nil,
                message:
                    "No backend here serves the model '\(duty.model ?? "")'. Name another one, or let the operator "
                    + "map it (ark.models).")
        }
        return nil
    }

    private struct Split {
        var verdict: FileVerdict
        /// Lines to be run; fewer than the file has when a batch is retried.
        var lineCount: Int
    }

    private enum Input {
        case found(StoredFile)
        case refused(LineProblem)
    }

    private func input(of duty: ValidationDuty) async throws -> Input {
        guard let file = try await store.findInput(of: duty) else { return .refused(Self.missing(duty)) }
        guard file.purpose == .batch else {
            return .refused(
                LineProblem(
                    code: LineProblem.Code.invalidRequest.rawValue, param: "file_id", line: nil,
                    message: "The file '\(file.id)' has the purpose '\(file.purpose.rawValue)'; "
                        + "upload it again with the purpose 'batch'."))
        }
        let bytesMax = limits(of: duty).inputBytesMax
        guard file.bytes <= bytesMax else {
            return .refused(
                LineProblem(
                    code: "file_too_large", param: nil, line: nil,
                    message: "The input file has \(file.bytes) bytes; the limit is \(bytesMax). "
                        + "Split it into several files."))
        }
        return .found(file)
    }

    private static func missing(_ duty: ValidationDuty) -> LineProblem {
        guard duty.profile != .ark else {
            return LineProblem(
                code: LineProblem.Code.invalidRequest.rawValue, param: "InputFileTosLocation", line: nil,
                message: "The copy of the job's input is gone. Resume the job, and it is read again.")
        }
        return LineProblem(
            code: LineProblem.Code.invalidRequest.rawValue, param: "file_id", line: nil,
            message: "Cannot find the input file '\(duty.inputFileID)' in this project; "
                + "upload it first, with the purpose 'batch'.")
    }

    /// Streams the file through the rules; good lines become drafts as long as nothing is wrong. Of a retry all lines
    /// are checked, but only those that are to be run again become drafts.
    private func read(_ file: StoredFile, _ duty: ValidationDuty) async throws -> Split {
        let rules = rules(of: duty)
        let reading = FileReading(
            rules: rules, limits: fileLimits(of: duty),
            filter: try await RetryFilter.begin(duty, store: store, vault: vault),
            packer: ShardPacker(
                limits: configuration.limits, urls: duty.endpoint == EndpointList.mixed ? rules.endpoints : [],
                model: duty.profile.linesNameTarget ? nil : duty.model),
            vault: vault, vaultKey: file.vaultKey)
        var seen: Int64 = 0
        for try await piece in try await vault.read(file.vaultKey, range: nil) {
            seen += Int64(piece.count)
            try await reading.readAhead(piece.count)
            let state = try await onBlockingThread { try reading.feed(piece) }
            if state.isRefused { break }
            try await flush(reading, duty, keeping: !state.hasProblems, atLeast: Self.insertBytes)
        }
        try await reading.readAhead(0)
        let verdict = try await onBlockingThread { try reading.finish() }
        guard verdict.problems.isEmpty else { return Split(verdict: verdict, lineCount: 0) }
        guard seen == file.bytes else { throw VaultError.truncated(key: file.vaultKey) }
        try reading.finishPacking()
        try await flush(reading, duty, keeping: true, atLeast: 1)
        return Split(verdict: verdict, lineCount: reading.lineCount)
    }

    /// Inserts packed shards once enough are gathered, or drops them when the file is refused anyway.
    private func flush(
        _ reading: FileReading, _ duty: ValidationDuty, keeping: Bool, atLeast bytes: Int
    ) async throws {
        guard keeping else {
            _ = reading.takeShards()
            return
        }
        guard reading.finishedBytes >= bytes else { return }
        let shards = reading.takeShards()
        guard try await store.insertDrafts(duty.lease, shards) else { throw DutyLost() }
    }

    private func refuse(_ duty: ValidationDuty, _ problems: [LineProblem]) async throws {
        let text = JSONValue.array(problems.map(\.errorObject)).text
        guard try await store.refuseBatch(duty.lease, problems: text, event: .random()) else { throw DutyLost() }
        logger.info(
            "batch failed validation",
            metadata: ["batch": "\(duty.lease.batch)", "problems": "\(problems.count)"])
    }

    private func rules(of duty: ValidationDuty) -> LineRules {
        LineRules(
            endpoint: duty.endpoint, profile: duty.profile, limits: limits(of: duty), knowsModel: modelIsKnown)
    }

    private func limits(of duty: ValidationDuty) -> Limits {
        configuration.limits.of(duty.profile, endpoint: duty.endpoint)
    }

    private func fileLimits(of duty: ValidationDuty) -> FileLimits {
        let limits = limits(of: duty)
        var fileLimits = FileLimits()
        fileLimits.linesMax = limits.linesMax
        fileLimits.embeddingInputsMax = limits.embeddingInputsMax
        fileLimits.problemsMax = limits.problemsMax
        return fileLimits
    }
}
