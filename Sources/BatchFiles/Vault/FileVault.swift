// SPDX-License-Identifier: Apache-2.0

package import BatchCore

/// Where the bytes of input and output files live. Rows know a blob by its key only.
///
/// A blob is written once, becomes readable when it is sealed, and never changes afterwards; a key is never used twice.
package protocol FileVault: Sendable {
    /// Starts a blob under a fresh key; nobody can read it before it is sealed.
    func begin() async throws -> any BlobWriter
    /// Reads a sealed blob from `range.lowerBound` to `range.upperBound`, or whole.
    ///
    /// - Throws: ``VaultError/missing(key:)`` when there is no such blob.
    func read(_ key: String, range: Range<Int64>?) async throws -> BlobReader
    /// Reads a few bytes of a sealed blob at once, on the calling thread: for looking up what was just streamed.
    ///
    /// - Throws: ``VaultError/truncated(key:)`` when the blob has no such bytes.
    func readBack(_ key: String, offset: Int64, length: Int) throws -> [UInt8]
    /// Removes a blob; removing one that is gone is no error.
    func delete(_ key: String) async throws
    /// Keys of blobs, sealed or abandoned in mid-write, that nobody has touched for `age`.
    ///
    /// - Parameter bucket: one of 256 parts of the vault, so that a listing stays small.
    func keys(inBucket bucket: UInt8, olderThan age: Duration) async throws -> [String]
    /// Proves that blobs can be written here.
    func check() async throws
}

/// Writes one blob; one user at a time.
package protocol BlobWriter: AnyObject, Sendable {
    /// Appends bytes; blocks for as long as the kernel takes to copy them, or a store to take earlier ones.
    func append(_ bytes: UnsafeRawBufferPointer) throws
    /// Waits until about a megabyte can be appended without blocking: for tasks, which must not block their thread.
    func ready() async
    /// Makes the blob durable and readable. No append may follow.
    func seal() async throws -> SealedBlob
    /// Gives the blob up and removes what was written; harmless after `seal` failed, void after it succeeded.
    func discard() async
}

extension BlobWriter {
    /// Nothing to wait for where only the kernel copies.
    package func ready() async {}
}

/// The bytes of a blob in order, at most 256 KiB at a time.
package struct BlobReader: AsyncSequence, Sendable {
    package typealias Element = [UInt8]

    private let pull: @Sendable () async throws -> [UInt8]?

    /// A reader that pulls from `next` until it gives nil; `next` is called by one task at a time.
    package init(next: @escaping @Sendable () async throws -> [UInt8]?) {
        self.pull = next
    }

    /// The one iterator of this reader.
    package func makeAsyncIterator() -> Iterator { Iterator(pull: pull) }

    /// Pulls one piece after another.
    package struct Iterator: AsyncIteratorProtocol, Sendable {
        fileprivate let pull: @Sendable () async throws -> [UInt8]?

        /// The next piece, or nil at the end.
        package mutating func next() async throws -> [UInt8]? { try await pull() }
    }
}

/// Why the vault could not do it.
package enum VaultError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No blob has this key.
    case missing(key: String)
    /// The disk or the quota is full.
    case full(path: String)
    /// Anything else the system said.
    case system(operation: String, path: String, reason: String)
    /// The blob is shorter than its row says.
    case truncated(key: String)

    /// One line that names the place and the reason.
    package var description: String {
        switch self {
        case .missing(let key): "the vault has no blob \(key)"
        case .full(let path): "no space left for \(path)"
        case .system(let operation, let path, let reason): "cannot \(operation) \(path): \(reason)"
        case .truncated(let key): "the blob \(key) is shorter than recorded"
        }
    }
}
