// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import BatchCore

/// Checks a local file by the rules the server has in BatchCore.
struct Checking: Sendable {
    /// The file.
    let file: LocalFile
    /// The path every line must name, or `*`; nil takes what the lines name.
    let endpoint: String?
    /// The limits to check by.
    let limits: Limits

    /// Reads the file once, on a thread of its own; a cancelled task ends it between two pieces.
    func run(progress: @escaping TransferProgress) async throws(ClientError) -> CheckReport {
        let stop = StopFlag()
        let queue = BlockingQueue(label: "validate")
        let result: Result<CheckReport, ClientError> = await withTaskCancellationHandler {
            do throws(ClientError) {
                return .success(
                    try await queue.run { () throws(ClientError) in
                        do {
                            return try check(stop, progress)
                        } catch let error as ClientError {
                            throw error
                        } catch {
                            throw .localFile("cannot check \(file.path): \(error)")
                        }
                    })
            } catch {
                return .failure(error)
            }
        } onCancel: {
            stop.raise()
        }
        return try result.get()
    }

    private func check(_ stop: StopFlag, _ progress: TransferProgress) throws -> CheckReport {
        let endpoint = try self.endpoint ?? chooseEndpoint()
        var rules = LineRules(endpoint: endpoint, allowed: limits.endpoints, knowsModel: { _ in true })
        rules.lineBytesMax = limits.lineBytesMax
        rules.depthMax = limits.nestingDepthMax
        rules.customIDBytesMax = limits.customIDBytesMax
        var fileLimits = FileLimits()
        fileLimits.linesMax = limits.linesMax
        fileLimits.embeddingInputsMax = limits.embeddingInputsMax
        fileLimits.problemsMax = limits.problemsMax
        let reader = try FileReader(file.path)
        let key = HashKey(low: .random(in: .min ... .max), high: .random(in: .min ... .max))
        var validator = FileValidator(rules: rules, limits: fileLimits, key: key) { offset, length in
            try reader.read(at: offset, length: length)
        }
        var done: Int64 = 0
        while !validator.isRefused {
            let isMore = try reader.next { piece in
                done += Int64(piece.count)
                try validator.feed(piece) { _, _ in }
            }
            guard isMore else { break }
            guard !stop.isRaised else { throw ClientError.cancelled }
            progress(done)
        }
        let verdict = try validator.finish { _, _ in }
        var problems = verdict.problems
        if file.bytes > limits.inputBytesMax { problems.insert(tooLarge, at: 0) }
        return CheckReport(
            path: file.path, bytes: file.bytes, lineCount: verdict.lineCount, requestCount: verdict.requestCount,
            endpoint: endpoint, model: verdict.model, problems: problems)
    }

    /// What the lines name; where they name several, `*`; where the first names nothing that a server takes unless told
    /// otherwise, chat completions, so that its faults are reported as such.
    private func chooseEndpoint() throws(ClientError) -> String {
        guard case .names(let url, _) = try FirstLine.read(file.path, lineBytesMax: limits.lineBytesMax),
            limits.endpoints.allows(url)
        else { return Endpoint.chatCompletions.rawValue }
        let other = try FirstLine.other(than: url, in: file.path, lineBytesMax: limits.lineBytesMax)
        return other.map { limits.endpoints.allows($0.url) } == true ? EndpointList.mixed : url
    }

    private var tooLarge: LineProblem {
        LineProblem(
            code: "file_too_large", param: nil, line: nil,
            message: "The file has \(Quantities.count(file.bytes)) bytes; at most "
                + "\(Quantities.count(limits.inputBytesMax)) are allowed. Split it into several batches.")
    }
}
