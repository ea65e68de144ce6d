// SPDX-License-Identifier: Apache-2.0

/// The limits of a whole input file; 0 means no limit.
package struct FileLimits: Equatable, Sendable {
    /// Request lines, inclusive.
    package var linesMax = 50_000
    /// Texts to embed over all lines, inclusive.
    package var embeddingInputsMax = 50_000
    /// Problems listed, the entry that stands for the cut ones included; at least 1.
    package var problemsMax = 1_000

    /// OpenAI's limits.
    package init() {}
}

/// A line that passed every rule. Its ranges are in the line's bytes.
package struct AcceptedLine: Equatable, Sendable {
    /// Physical line, 1-based, blank lines counted.
    package let number: Int
    /// Which request of the file it is, 0-based, blank lines not counted.
    package let ordinal: Int
    /// Where the line starts in the file.
    package let offset: Int64
    /// The raw `custom_id` token, quotes included.
    package let customID: Range<Int>
    /// The raw `body`.
    package let body: Range<Int>
    /// The body's model; nil only where the rules do not require one.
    package let model: String?
    /// Index into `LineRules.endpoints`; nil when the line has no `url`, which only some rules allow.
    package let endpoint: Int?
}

/// What became of a whole file.
package struct FileVerdict: Equatable, Sendable {
    /// Physical lines.
    package let lineCount: Int
    /// Request lines, also beyond the limit.
    package let requestCount: Int
    /// Texts to embed; 0 for other endpoints.
    package let embeddingInputs: Int
    /// The model of all lines; nil when there is none, or when the rules allow several and there are.
    package let model: String?
    /// File-wide problems first, then those of lines in order; the last entry counts those that were cut. Empty: valid.
    package let problems: [LineProblem]
}

/// Checks the lines of one file one after another: every line by `LineRules`, and the rules between lines.
///
/// Duplicate ids are found exactly: equal 64-bit hashes are compared by reading the earlier line's id back. The
/// table of
/// ids takes at most 32 bytes per line; lines beyond `linesMax` are counted and otherwise ignored, so it stays bounded.
package struct FileCheck {
    /// Reads `length` bytes at `offset` of the file being checked: the raw `custom_id` token of an earlier line.
    package typealias ReadBack = (_ offset: Int64, _ length: Int) throws -> [UInt8]

    private let rules: LineRules
    private let limits: FileLimits
    private let key: HashKey
    private let readBack: ReadBack
    private var ids = CustomIDTable()
    private var memo = LineMemo()
    private var firstModel: (name: String, line: Int)?
    private var firstThinking: (isOn: Bool, line: Int)?
    private var hasSeveralModels = false
    private var format: FileFormat?
    private var lineCount = 0
    private var requestCount = 0
    private var embeddingInputs = 0
    private var problems: [LineProblem] = []
    private var problemsCut = 0

    /// A check of a file from its first line.
    ///
    /// - Parameters:
    ///   - key: random, new for every file.
    ///   - readBack: called for equal hashes only, at most `problemsMax` times for a bad file; what it throws,
    /// `take` throws.
    package init(rules: LineRules, limits: FileLimits, key: HashKey, readBack: @escaping ReadBack) {
        self.rules = rules
        self.limits = limits
        self.key = key
        self.readBack = readBack
    }

    /// True once anything is wrong: the file will be refused.
    package var hasProblems: Bool { !problems.isEmpty || format != nil || isOverLines || isOverInputs }

    /// Checks the next line. nil for blank lines and for lines with problems, which are kept for the verdict.
    package mutating func take(_ line: FileLine) throws -> AcceptedLine? {
        lineCount = line.number
        guard line.isTooLong || !Self.isBlank(line.bytes) else { return nil }
        requestCount += 1
        guard !isOverLines else { return nil }
        guard !line.isTooLong else {
            report(rules.tooLong(line.byteCount, number: line.number))
            return nil
        }
        let checked = rules.check(line.bytes, number: line.number, memo: &memo)
        checked.problems.forEach { report($0) }
        let isModelSame = takeModel(checked, line)
        let isModeSame = takeThinking(checked, line)
        let isIDNew = try takeCustomID(checked, line)
        takeInputs(checked)
        guard checked.problems.isEmpty, isModelSame, isModeSame, isIDNew, let id = checked.customID,
            let body = checked.request?.body
        else { return nil }
        return AcceptedLine(
            number: line.number, ordinal: requestCount - 1, offset: line.offset, customID: id.token.range,
            body: body.range, model: checked.model, endpoint: checked.endpoint)
    }

    /// Tells that the file is no text at all; its one problem replaces all others.
    package mutating func refuse(_ format: FileFormat) {
        self.format = format
    }

    /// The verdict after the last line.
    package func finish() -> FileVerdict {
        var all = fileProblems()
        if format == nil { all += problems }
        let problemsMax = max(1, limits.problemsMax)
        if all.count + problemsCut > problemsMax {
            let cut = all.count + problemsCut - (problemsMax - 1)
            all.removeLast(max(0, all.count - (problemsMax - 1)))
            all.append(
                LineProblem(
                    .problemsCut,
                    "\(LineProblem.shown(cut)) more problems were found and are not listed. "
                        + "Correct those above and try again."))
        }
        return FileVerdict(
            lineCount: lineCount, requestCount: requestCount, embeddingInputs: embeddingInputs,
            model: hasSeveralModels ? nil : firstModel?.name, problems: all)
    }
}

extension FileCheck {
    private var isOverLines: Bool { limits.linesMax > 0 && requestCount > limits.linesMax }
    private var isOverInputs: Bool { limits.embeddingInputsMax > 0 && embeddingInputs > limits.embeddingInputsMax }

    /// True for lines of spaces, tabs and CRs only.
    private static func isBlank(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
    }

    /// Keeps a problem, or counts it when there are too many already.
    private mutating func report(_ problem: LineProblem) {
        if isFull { problemsCut += 1 } else { problems.append(problem) }
    }

    private var isFull: Bool { problems.count >= max(1, limits.problemsMax) }

    /// The first model is remembered, others are compared with it. True when they agree.
    private mutating func takeModel(_ checked: CheckedLine, _ line: FileLine) -> Bool {
        guard let model = checked.model else { return true }
        guard let first = firstModel else {
            firstModel = (model, line.number)
            return true
        }
        guard model != first.name else { return true }
        guard rules.requiresOneModel else {
            hasSeveralModels = true
            return true
        }
        report(
            LineProblem(
                .mismatchedModel, param: "body.model", line: line.number,
                "Line \(line.number) asks for the model \(LineProblem.shown(model)), which does not match the rest "
                    + "of the batch: line \(first.line) asks for \(LineProblem.shown(first.name)). "
                    + "Make one batch per model."))
        return false
    }

    /// The first line's thinking mode is remembered, others are compared with it. True when they agree.
    private mutating func takeThinking(_ checked: CheckedLine, _ line: FileLine) -> Bool {
        guard let isOn = checked.thinks else { return true }
        guard let first = firstThinking else {
            firstThinking = (isOn, line.number)
            return true
        }
        guard isOn != first.isOn else { return true }
        let (here, there) = isOn ? ("on", "off") : ("off", "on")
        report(
            LineProblem(
                .mismatchedThinkingMode, param: "body.enable_thinking", line: line.number,
                "Line \(line.number) has thinking \(here), which does not match the rest of the batch: line "
                    + "\(first.line) has it \(there). Without 'enable_thinking' it is off. "
                    + "Make one batch per thinking mode."))
        return false
    }

    /// Remembers the line's id. False, and a problem, when an earlier line has it.
    private mutating func takeCustomID(_ checked: CheckedLine, _ line: FileLine) throws -> Bool {
        guard let id = checked.customID else { return true }
        let token = UnsafeRawBufferPointer(rebasing: line.bytes[id.token.range])
        if let text = id.unescaped {
            return try text.withUnsafeBytes { try takeCustomID($0, id, line) }
        }
        return try takeCustomID(UnsafeRawBufferPointer(rebasing: token[1..<token.count - 1]), id, line)
    }

    /// Same, with the id's `text`.
    private mutating func takeCustomID(
        _ text: UnsafeRawBufferPointer, _ id: CustomID, _ line: FileLine
    ) throws -> Bool {
        let place = CustomIDTable.Place(
            line: line.number, offset: line.offset + Int64(id.token.range.lowerBound), length: id.token.range.count)
        // Once the list of problems is full, one read per duplicate buys nothing: the file is refused anyway.
        let (isFull, readBack) = (isFull, readBack)
        let earlier = try ids.insert(hash: SipHash.hash(text, key: key), at: place) { earlier in
            if isFull { return true }
            let token = try readBack(earlier.offset, earlier.length)
            return token.withUnsafeBytes { JSONText.unescaped($0) }?.elementsEqual(text) ?? false
        }
        guard let earlier else { return true }
        report(
            LineProblem(
                .duplicateCustomID, param: "custom_id", line: line.number,
                "Line \(line.number) has the custom_id \(LineProblem.shown(String(decoding: text, as: UTF8.self))), "
                    + "which is a duplicate of line \(earlier.line). Give every line its own custom_id."))
        return false
    }

    /// Adds up the texts to embed.
    private mutating func takeInputs(_ checked: CheckedLine) {
        guard let request = checked.request,
            let endpoint = checked.endpoint ?? (rules.endpoints.count == 1 ? 0 : nil),
            LineRules.isEmbedding(rules.endpoints[endpoint])
        else { return }
        embeddingInputs += request.inputCount
    }

    /// The problems of the file as a whole.
    private func fileProblems() -> [LineProblem] {
        if let format { return [format.problem] }
        if requestCount == 0 {
            return [
                LineProblem(.emptyFile, "The file has no request line. Write one JSON object per line.")
            ]
        }
        var found: [LineProblem] = []
        if isOverLines {
            found.append(
                LineProblem(
                    .tooManyRequests,
                    "The file has \(LineProblem.shown(requestCount)) requests; a batch may have at most "
                        + "\(LineProblem.shown(limits.linesMax)). Split it into several batches."))
        }
        if isOverInputs {
            found.append(
                LineProblem(
                    .tooManyRequests, param: "body.input",
                    "The lines ask for \(LineProblem.shown(embeddingInputs)) embeddings; a batch may have at most "
                        + "\(LineProblem.shown(limits.embeddingInputsMax)). Split it into several batches."))
        }
        return found
    }
}
