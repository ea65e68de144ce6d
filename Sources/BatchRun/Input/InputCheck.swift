// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Crypto
import Loops

/// Checks a whole input before anything of it is sent.
struct InputCheck: Sendable {
    /// What lines must look like.
    let rules: RunRules
    /// The bounds.
    let limits: RunLimits
    /// Ends the check early.
    let stop: StopFlag
    /// Where it tells how far it is.
    let board: ProgressBoard

    /// What a valid input is known by.
    struct Result: Hashable, Sendable {
        /// Request lines.
        let requestCount: Int
        /// SHA-256 of the bytes.
        let hash: [UInt8]
    }

    /// Reads it once. Blocks.
    ///
    /// - Throws: ``RunError`` of the kind `invalid` with every problem up to the limit.
    func run(_ input: InputFile) throws -> Result {
        board.begin(.checking, total: input.byteCount)
        var fileLimits = FileLimits()
        fileLimits.linesMax = limits.linesMax
        fileLimits.embeddingInputsMax = 0
        fileLimits.problemsMax = limits.problemsMax
        let key = HashKey(low: .random(in: .min ... .max), high: .random(in: .min ... .max))
        var validator = FileValidator(rules: rules.lineRules(limits), limits: fileLimits, key: key) {
            try input.bytes(at: $0, length: $1)
        }
        var hash = SHA256()
        var done: Int64 = 0
        var own: [LineProblem] = []
        let accept = { (line: AcceptedLine, _: UnsafeRawBufferPointer) in
            guard own.count < limits.problemsMax else { return }
            own += rules.problems(line)
        }
        try input.scan { piece in
            guard !stop.isRaised else { throw RunError(.interrupted, "stopped before anything was sent") }
            hash.update(bufferPointer: piece)
            try validator.feed(piece, accept: accept)
            done += Int64(piece.count)
            board.update(done: done)
        }
        let verdict = try validator.finish(accept: accept)
        let problems = merged(verdict.problems, own)
        guard problems.isEmpty else {
            throw RunError(
                .invalid, "\(input.name) is not valid, and nothing was sent: correct the lines above",
                problems: problems)
        }
        return Result(requestCount: verdict.requestCount, hash: Array(hash.finalize()))
    }

    /// Both lists in the order of lines: those of the file as a whole first, the count of those cut last.
    private func merged(_ problems: [LineProblem], _ own: [LineProblem]) -> [LineProblem] {
        guard !own.isEmpty else { return problems }
        let cut = problems.last { $0.code == LineProblem.Code.problemsCut.rawValue }
        let listed = problems.filter { $0.code != LineProblem.Code.problemsCut.rawValue } + own
        return listed.sorted { $0.line ?? 0 < $1.line ?? 0 }.prefix(limits.problemsMax) + (cut.map { [$0] } ?? [])
    }
}
