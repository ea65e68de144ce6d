// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchFiles
internal import BatchStore

/// Chooses the lines of a batch: all of them, or for a retry those whose `custom_id` stands in the parent's error file.
///
/// Error files are in input order, so both files are read once, side by side. Held are the ids that the next piece of
/// the input can match, whatever the sizes of the files are.
struct RetryFilter {
    /// Bytes that a request line has besides its `custom_id`, at the very least.
    private static let envelopeBytesMin = 32

    private struct Source {
        let parent: BatchID
        let file: StoredFile
        var pieces: BlobReader.Iterator
        var reader = ResultIDReader()
    }

    private var source: Source?
    /// Ids read ahead; those before `next` have been found.
    private var ids: [[UInt8]] = []
    private var next = 0
    /// Bytes of input that the waiting ids behind the first one cover at least.
    private var reach = 0
    private var isAtEnd = false

    /// A filter for the duty's batch.
    ///
    /// - Throws: ``RetryFault`` when the parent's error file is gone.
    static func begin(_ duty: ValidationDuty, store: Store, vault: any FileVault) async throws -> RetryFilter {
        var filter = RetryFilter()
        guard let parent = duty.parent else { return filter }
        guard let file = try await store.findErrorFile(of: parent, for: duty) else {
            throw RetryFault.isGone(parent: parent)
        }
        do {
            let pieces = try await vault.read(file.vaultKey, range: nil).makeAsyncIterator()
            filter.source = Source(parent: parent, file: file, pieces: pieces)
        } catch VaultError.missing {
            throw RetryFault.isGone(parent: parent)
        }
        return filter
    }

    /// Reads on in the error file until every id that `bytes` more bytes of the input can match is at hand.
    mutating func readAhead(_ bytes: Int) async throws {
        guard var source, !isAtEnd else { return }
        while !isAtEnd, next == ids.count || reach < bytes {
            do {
                if let piece = try await source.pieces.next() {
                    try piece.withUnsafeBytes { try source.reader.feed($0) { keep($0) } }
                } else {
                    try source.reader.finish { keep($0) }
                    isAtEnd = true
                }
            } catch let fault as ResultFileFault {
                throw RetryFault.doesNotFit(file: source.file.id, parent: source.parent, reason: "\(fault)")
            } catch VaultError.missing {
                throw RetryFault.isGone(parent: source.parent)
            }
        }
        self.source = source
    }

    /// Whether the line, whose bytes are `text`, is one to run.
    mutating func takes(_ line: AcceptedLine, _ text: UnsafeRawBufferPointer) -> Bool {
        guard source != nil else { return true }
        guard next < ids.count, text[line.customID].elementsEqual(ids[next]) else { return false }
        next += 1
        if next < ids.count { reach -= cost(of: ids[next]) }
        if next == ids.count || next >= 4_096 {
            ids.removeFirst(next)
            next = 0
        }
        return true
    }

    /// Requires that every id of the error file was found.
    ///
    /// - Throws: ``RetryFault`` otherwise.
    func finish() throws {
        guard let source else { return }
        guard next == ids.count, isAtEnd else {
            let id = next < ids.count ? String(decoding: ids[next].prefix(100), as: UTF8.self) : "(unread)"
            throw RetryFault.doesNotFit(
                file: source.file.id, parent: source.parent, reason: "no line has the custom_id \(id) in its place")
        }
        guard source.reader.lineCount > 0 else {
            throw RetryFault.doesNotFit(file: source.file.id, parent: source.parent, reason: "it names no line")
        }
    }

    private mutating func keep(_ token: UnsafeRawBufferPointer) {
        let id = Array(token)
        if next < ids.count { reach += cost(of: id) }
        ids.append(id)
    }

    private func cost(of id: [UInt8]) -> Int { id.count + Self.envelopeBytesMin }
}
