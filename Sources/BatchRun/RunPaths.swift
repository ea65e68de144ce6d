// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Crypto
import Glibc

/// The local files of a run.
struct RunPaths: Sendable {
    /// The results: the output itself, or where they are staged for a URL.
    let output: String
    /// Failed lines; nil when they go to the output.
    let errors: String?
    /// Where temporary files go.
    let folder: String

    /// Results that wait for their turn.
    var journal: String { output + ".journal" }

    /// The files that an order asks for.
    init(_ order: RunOrder) throws(RunError) {
        errors = order.errorsPath
        switch order.output {
        case .path(let path):
            output = path
            let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
            folder = order.temporaryFolder ?? parent
        case .url(let url):
            folder = order.temporaryFolder ?? "."
            // The same for every permission to write the same object, so that a new one finds what an old one left.
            let place = OutputPlace.url(url).name
            let name = SHA256.hash(data: Array(place.utf8)).prefix(8).map {
                ($0 < 16 ? "0" : "") + String($0, radix: 16)
            }
            output = folder + "/batchctl-run-" + name.joined() + ".jsonl"
        }
    }

    /// Files that a run makes by itself.
    private var ownFiles: [String] { [journal, journal + Journal.freshSuffix, sent.path] }

    /// Refuses places that are one and the same, whether they exist or not.
    func expectApart(_ input: InputPlace) throws(RunError) {
        if case .path(let path) = input {
            for other in [output, errors].compactMap({ $0 }) + ownFiles where Places.isSame(path, other) {
                throw Self.inputIsOutput(path)
            }
        }
        if let errors, ([output] + ownFiles).contains(where: { Places.isSame(errors, $0) }) {
            throw Self.errorsAreOutput(errors)
        }
    }

    /// The same for files that are open, before anything of them is cut: between the first look and their opening
    /// somebody may have made links, and standard input has no path.
    private func expectApart(_ input: InputFile, _ output: OpenFile, _ errors: OpenFile?) throws(RunError) {
        let source = try input.identity
        var outputs = [try output.identity]
        if access(journal, F_OK) == 0 { outputs.append(try OpenFile(journal, flags: O_RDONLY).identity) }
        if let errors {
            let identity = try errors.identity
            guard !outputs.contains(identity) else { throw Self.errorsAreOutput(errors.path) }
            outputs.append(identity)
        }
        guard !outputs.contains(source) else { throw Self.inputIsOutput(input.name) }
        guard Set(outputs).count == outputs.count else {
            throw RunError(.refused, "\(self.output) and \(journal) are the same file: name another output")
        }
    }

    private static func inputIsOutput(_ path: String) -> RunError {
        RunError(.refused, "input and output (or its journal) are the same file, \(path): name another output")
    }

    private static func errorsAreOutput(_ path: String) -> RunError {
        RunError(
            .refused, "--split-errors and the output (or its journal) are the same file, \(path): name another")
    }

    /// Refuses to destroy results, or to write where no file can be.
    func expectRoom(_ existing: ExistingResults) throws(RunError) {
        for path in [output, errors].compactMap({ $0 }) {
            var status = stat()
            guard stat(path, &status) == 0 else { continue }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw RunError(.refused, "\(path) is no regular file: a run needs one that it can go on with")
            }
            if existing == .refuse, status.st_size > 0 {
                throw RunError(
                    .refused, "\(path) has results already: go on with --resume, or replace them with --force")
            }
        }
        if existing == .refuse, hasJournal {
            throw RunError(
                .refused, "\(journal) holds results of an earlier run: go on with --resume, or drop them with --force")
        }
    }

    /// Whether there is a journal with at least one result.
    private var hasJournal: Bool {
        guard let file = try? OpenFile(journal, flags: O_RDONLY), let length = try? file.length(),
            let head = try? file.bytes(at: 0, length: Int(min(length, 1_024)))
        else { return false }
        let first = head.firstIndex(of: UInt8(ascii: "\n")).map { Int64($0) + 1 } ?? 0
        return length > first
    }

    /// Where a run whose results were sent to a URL leaves word of it.
    var sent: SentMark { SentMark(path: output + ".sent") }

    /// What results and journal of this run are known by.
    func fingerprint(_ order: RunOrder, input: InputFile, checked: InputCheck.Result) -> Fingerprint {
        Fingerprint(
            inputBytes: input.byteCount, inputHash: checked.hash, format: order.format, splitsErrors: errors != nil)
    }

    /// Opens the files of a checked input; with `resume` as far as an earlier run got. Blocks.
    func open(
        _ order: RunOrder, input: InputFile, checked: InputCheck.Result, board: ProgressBoard
    ) throws -> OpenedRun {
        let file = try OpenFile(output, flags: O_RDWR | O_CREAT)
        guard file.lock() else { throw RunError(.refused, "\(output) is in use: another run writes to it") }
        // Another run may have come first since the first look.
        try expectRoom(order.existing)
        let errorFile: OpenFile?
        if let errors { errorFile = try OpenFile(errors, flags: O_RDWR | O_CREAT) } else { errorFile = nil }
        try expectApart(input, file, errorFile)
        sent.remove()
        let fingerprint = fingerprint(order, input: input, checked: checked)
        guard order.existing == .resume else {
            let finished = try FinishedLines(replacing: file, errorFile)
            return OpenedRun(finished: finished, journal: try Journal(path: journal, fingerprint: fingerprint))
        }
        var places: [(ordinal: Int, place: AheadRing.Place)] = []
        // A journal of another run says so before anything is compared.
        let isThere = access(journal, F_OK) == 0
        var old: Journal?
        if isThere {
            old = try Journal(reading: journal, fingerprint: fingerprint) { places.append(($0, $1)) }
        }
        board.begin(.comparing, total: Int64(checked.requestCount))
        var finished = try FinishedLines(
            in: file, errorFile, of: input, format: order.format, lineBytesMax: order.limits.lineBytesMax
        ) { board.update(done: Int64($0)) }
        let journal = try old ?? Journal(path: journal, fingerprint: fingerprint)
        do {
            try finished.add(places, journal: journal)
        } catch {
            if !isThere { journal.remove() }
            throw error
        }
        let isDone = finished.ring.first == checked.requestCount
        if isDone { journal.remove() }
        return OpenedRun(finished: finished, journal: isDone ? nil : journal)
    }
}

/// The files of a run, open.
struct OpenedRun: Sendable {
    /// What is finished.
    let finished: FinishedLines
    /// Results that wait for their turn; nil when there is nothing left to do.
    let journal: Journal?
}
