// SPDX-License-Identifier: Apache-2.0

package import Curl
internal import Synchronization

/// A vault under a prefix of a bucket of a store that speaks S3.
///
/// A blob is the object `PREFIXblobs/XX/KEY`, where `XX` are the key's first two digits; it comes into being in one
/// request, so it is either whole or not there. Parts of a blob that was never sealed are an upload that the store
/// lists.
package final class S3Vault: FileVault {
    private let client: S3Client
    private let prefix: String

    /// A vault on the bucket of `configuration`; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - prefix: begins every key, such as `shardline/`; may be empty.
    ///   - engine: sends everything; the caller shuts it down.
    package init(
        _ configuration: S3Configuration, prefix: String, engine: CurlEngine, clock: StoreClock = StoreClock()
    ) {
        self.client = S3Client(configuration, engine: engine, clock: clock)
        self.prefix = prefix
    }

    /// Starts a blob; see ``FileVault/begin()``.
    package func begin() async throws -> any BlobWriter {
        let key = BlobKey.fresh()
        let path = objectKey(of: key)
        return S3BlobWriter(key: key, path: client.place(path), writer: S3ObjectWriter(client, key: path))
    }

    /// Opens a blob; see ``FileVault/read(_:range:)``. A broken connection does not end the reading.
    package func read(_ key: String, range: Range<Int64>?) async throws -> BlobReader {
        guard BlobKey.isKey(key) else { throw VaultError.missing(key: key) }
        let path = objectKey(of: key)
        do {
            let reading = BlobReading(key: key, path: client.place(path), range: range)
            if let range, range.isEmpty {
                _ = try await client.head(path)
                return BlobReader { nil }
            }
            do {
                reading.begin(try await client.get(path, range: range))
            } catch let error as S3Error where error.status == 416 {
                // Known only when the first byte is asked for, as with a file.
            }
            return BlobReader { try await reading.next() }
        } catch {
            throw Self.fault(error, key: key, path: client.place(path), operation: "read")
        }
    }

    /// Reads on the calling thread, which waits for the store: for the few bytes that validation looks up.
    package func readBack(_ key: String, offset: Int64, length: Int) throws -> [UInt8] {
        guard BlobKey.isKey(key) else { throw VaultError.missing(key: key) }
        guard length > 0 else { return [] }
        let path = objectKey(of: key)
        let bytes: [UInt8]
        do {
            bytes = try client.getNow(path, range: offset..<(offset + Int64(length)))
        } catch {
            if let refusal = error as? S3Error, refusal.status == 416 { throw VaultError.truncated(key: key) }
            throw Self.fault(error, key: key, path: client.place(path), operation: "read")
        }
        guard bytes.count == length else { throw VaultError.truncated(key: key) }
        return bytes
    }

    /// Removes the blob, sealed or not.
    package func delete(_ key: String) async throws {
        guard BlobKey.isKey(key) else { return }
        let path = objectKey(of: key)
        do {
            try await client.delete(path)
            var uploads: [String] = []
            try await client.forEachUpload(prefix: path) { if $0.key == path { uploads.append($0.id) } }
            for upload in uploads { try await client.abortUpload(path, upload: upload) }
        } catch {
            throw Self.fault(error, key: key, path: client.place(path), operation: "delete")
        }
    }

    /// Lists one bucket of the vault: its blobs, and uploads that were abandoned.
    package func keys(inBucket bucket: UInt8, olderThan age: Duration) async throws -> [String] {
        let place = "\(prefix)blobs/\(BlobKey.digits(ofBucket: bucket))/"
        // Of an object made of parts some stores tell when it was begun; and nobody writes for longer than a day.
        let now = client.clock.unixSeconds
        let oldest = now - age.components.seconds
        let oldestBegun = now - (max(age, Self.writingMax) + Self.writingMax).components.seconds
        let oldestUpload = now - max(age, Self.writingMax).components.seconds
        var keys: Set<String> = []
        let note = { (path: String) in
            let key = String(path.dropFirst(place.count))
            if BlobKey.isKey(key) { keys.insert(key) }
        }
        do {
            try await client.forEachObject(prefix: place) { object in
                if object.changedAt < (object.isMultipart ? oldestBegun : oldest) { note(object.key) }
            }
            try await client.forEachUpload(prefix: place) { upload in
                if upload.startedAt < oldestUpload { note(upload.key) }
            }
        } catch {
            throw Self.fault(error, key: place, path: client.place(place), operation: "list")
        }
        return keys.sorted()
    }

    /// Writes, reads and removes a probe.
    package func check() async throws {
        let path = "\(prefix)probe-\(BlobKey.fresh())"
        do {
            try await client.put(path, SharedBytes(Array("x".utf8)))
            let object = try await client.head(path)
            try await client.delete(path)
            guard object.bytes == 1 else { throw VaultError.truncated(key: path) }
        } catch {
            throw Self.fault(error, key: path, path: client.place(path), operation: "write")
        }
    }

    /// What the vault's users are told about a store's error.
    static func fault(_ error: any Error, key: String, path: String, operation: String) -> any Error {
        guard let error = error as? S3Error else { return error }
        if error.isMissingObject { return VaultError.missing(key: key) }
        if error.isFull { return VaultError.full(path: path) }
        return VaultError.system(operation: operation, path: path, reason: error.explanation)
    }

    /// Nobody writes one blob for longer than this.
    private static let writingMax = Duration.seconds(86_400)

    private func objectKey(of key: String) -> String { "\(prefix)blobs/\(key.prefix(2))/\(key)" }
}

/// A blob being read, in pieces of the size that a vault promises.
private final class BlobReading: Sendable {
    private static let pieceBytes = 256 << 10

    private struct State {
        var download: ObjectDownload?
        var rest: ArraySlice<UInt8> = []
        var position: Int64
    }

    private let key: String
    private let path: String
    private let end: Int64?
    private let state: Mutex<State>

    init(key: String, path: String, range: Range<Int64>?) {
        self.key = key
        self.path = path
        end = range?.upperBound
        state = Mutex(State(position: range?.lowerBound ?? 0))
    }

    func begin(_ download: ObjectDownload) { state.withLock { $0.download = download } }

    func next() async throws -> [UInt8]? {
        if let piece = cut() { return piece }
        do {
            guard let bytes = try await state.withLock({ $0.download })?.next() else {
                if let end, state.withLock({ $0.position }) < end { throw VaultError.truncated(key: key) }
                return nil
            }
            state.withLock { state in
                state.rest = bytes[...]
                state.position += Int64(bytes.count)
            }
        } catch {
            throw S3Vault.fault(error, key: key, path: path, operation: "read")
        }
        return cut()
    }

    private func cut() -> [UInt8]? {
        state.withLock { state in
            guard !state.rest.isEmpty else { return nil }
            let piece = Array(state.rest.prefix(Self.pieceBytes))
            state.rest = state.rest.dropFirst(piece.count)
            return piece
        }
    }
}
