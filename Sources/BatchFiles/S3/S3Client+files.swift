// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Crypto
internal import Curl
internal import Foundation

extension S3Client {
    /// Writes a local file to an object, in parts when it is larger than one. What the store has of an earlier try is
    /// compared with the file and not sent again.
    ///
    /// After an error the parts stay, for another try or ``abortUpload(_:upload:)``; nobody sees them.
    ///
    /// - Parameters:
    ///   - resuming: the upload of an earlier try of the same file and part size; begun anew when the store has lost
    ///     it.
    ///   - begun: told the name of a new upload before its first part goes, so that it can be kept.
    /// - Returns: how many bytes were sent.
    @discardableResult
    package func uploadFile(
        at path: String, to key: String, resuming: String? = nil,
        begun: @Sendable (String) async throws -> Void = { _ in }
    ) async throws -> Int64 {
        let size = try await onBlockingThread { try LocalPart.size(of: path) }
        var partBytes = Int64(configuration.partBytes)
        while size > partBytes * Int64(Self.partsMax) { partBytes *= 2 }
        guard size > partBytes else {
            let part = LocalPart(path: path, number: 1, offset: 0, length: size)
            try await put(key, SharedBytes(try await onBlockingThread { try part.read() }))
            try await checkSize(key, size)
            return size
        }
        let (upload, known) = try await beginOrResume(key, resuming, begun)
        let local = LocalPart.parts(of: path, size: size, partBytes: partBytes)
        let (parts, sent) = try await send(local, to: key, upload: upload, known: known)
        try await completeUpload(key, upload: upload, parts)
        try await checkSize(key, size)
        return sent
    }

    private func beginOrResume(
        _ key: String, _ resuming: String?, _ begun: (String) async throws -> Void
    ) async throws -> (upload: String, known: [Int: S3Part]) {
        if let resuming {
            do {
                let parts = try await listParts(key, upload: resuming)
                return (resuming, Dictionary(parts.map { ($0.number, $0) }) { _, last in last })
            } catch let error as S3Error where error.code == "NoSuchUpload" {
                // Stores forget uploads that nobody has completed for long.
            }
        }
        let upload = try await createUpload(key)
        try await begun(upload)
        return (upload, [:])
    }

    private func send(
        _ local: [LocalPart], to key: String, upload: String, known: [Int: S3Part]
    ) async throws -> (parts: [S3Part], sent: Int64) {
        try await withThrowingTaskGroup(of: (part: S3Part, sent: Int64).self) { group in
            var parts: [S3Part] = []
            var sent: Int64 = 0
            for (index, part) in local.enumerated() {
                if index >= configuration.partsInFlightMax, let done = try await group.next() {
                    parts.append(done.part)
                    sent += done.sent
                }
                let earlier = known[part.number]
                group.addTask { try await self.send(part, to: key, upload: upload, earlier: earlier) }
            }
            for try await done in group {
                parts.append(done.part)
                sent += done.sent
            }
            return (parts.sorted { $0.number < $1.number }, sent)
        }
    }

    private func send(
        _ part: LocalPart, to key: String, upload: String, earlier: S3Part?
    ) async throws -> (part: S3Part, sent: Int64) {
        let bytes = try await onBlockingThread { try part.read() }
        if let earlier, earlier.bytes == part.length,
            earlier.entityTag.lowercased() == S3Encoding.hexadecimal(Insecure.MD5.hash(data: bytes))
        {
            return (earlier, 0)
        }
        return (try await uploadPart(key, upload: upload, number: part.number, SharedBytes(bytes)), part.length)
    }

    private func checkSize(_ key: String, _ size: Int64) async throws {
        let stored = try await head(key).bytes
        guard stored == size else {
            throw S3Error(
                .damaged("the store has \(stored) bytes of the \(size) that were sent"), operation: "write",
                place: place(key))
        }
    }
}

/// A stretch of a local file that becomes a part.
private struct LocalPart: Sendable {
    let path: String
    let number: Int
    let offset: Int64
    let length: Int64

    static func parts(of path: String, size: Int64, partBytes: Int64) -> [LocalPart] {
        stride(from: 0, to: size, by: Int64.Stride(partBytes)).enumerated().map { index, offset in
            LocalPart(path: path, number: index + 1, offset: offset, length: min(partBytes, size - offset))
        }
    }

    static func size(of path: String) throws -> Int64 {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileSystem.fault("examine", path) }
        return Int64(status.st_size)
    }

    /// All of it; an error when the file has become shorter.
    func read() throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSystem.fault("open", path) }
        defer { close(descriptor) }
        return try [UInt8](unsafeUninitializedCapacity: Int(length)) { buffer, count in
            while count < Int(length) {
                let rest = UnsafeMutableBufferPointer(rebasing: buffer[count...])
                let got = pread(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(count))
                if got < 0 {
                    if errno == EINTR { continue }
                    throw FileSystem.fault("read", path)
                }
                guard got > 0 else {
                    throw VaultError.system(operation: "read", path: path, reason: "it became shorter meanwhile")
                }
                count += got
            }
        }
    }
}
