// SPDX-License-Identifier: Apache-2.0

import BatchCoordinator
import BatchCore
import BatchStore
import HTTPTypes
import NIOCore

/// Receives an uploaded file: bytes go to the vault while they arrive, the row comes when the form is complete.
struct FileUpload: Sendable {
    /// The Upload room.
    let receiver: FileReceiver
    /// Whose manner of files it is.
    let profile: Profile
    /// How large a file may be, and how long it lives; those of the profile.
    let limits: Limits
    /// What a project may store.
    let storage: StorageLimits
    /// Where files are recorded.
    let records: Store
    /// How many may be received at once.
    let gate: Gate
    /// How long to wait for a place.
    let placeWait: Duration

    /// What the form may need around the file, in bytes.
    private static let formBytesMax: Int64 = 1 << 20

    /// Serves one upload.
    func receive(_ call: Call, _ project: ProjectID) async throws -> Answer {
        let boundary = try MultipartBoundary.find(in: call.headers[.contentType])
        if let declared = call.body.declaredLength, declared > limits.fileBytesMax + Self.formBytesMax {
            throw BatchError.tooLarge(
                "The upload is \(declared) bytes long, more than the limit of \(limits.fileBytesMax) bytes for a file; "
                    + "split the file and upload the parts.", param: "file")
        }
        // As well as it can be known before the form has been read.
        let least = max(0, (call.body.declaredLength ?? 0) - Self.formBytesMax)
        try await records.checkStorage(project, bytes: least, storage)
        guard await gate.enter(waitingAtMost: placeWait) else {
            throw BatchError.unavailable("Too many files are being uploaded at the moment; please retry shortly.")
        }
        defer { gate.leave() }
        return try await store(call, project, boundary: boundary)
    }

    private func store(_ call: Call, _ project: ProjectID, boundary: [UInt8]) async throws -> Answer {
        let incoming = try await receiver.begin(as: profile)
        do {
            var parser = MultipartParser(boundary: boundary)
            var form = UploadForm()
            while let buffer = try await call.body.next() {
                await incoming.ready()
                try buffer.withUnsafeReadableBytes { bytes in
                    try parser.feed(bytes) { event in
                        try form.take(event) { try incoming.append($0) }
                    }
                }
            }
            try parser.finish()
            let fields = try form.finish()
            let file = try await incoming.commit(
                project: project, purpose: fields.purpose, filename: fields.filename,
                expiresAfterSeconds: fields.expiresAfterSeconds ?? standardLifetime(fields.purpose))
            return .json(file.fileObject)
        } catch {
            await incoming.discard()
            throw error
        }
    }

    /// Inputs of batches expire by default, other files do not. (contracts: OpenAI files, limits)
    private func standardLifetime(_ purpose: FilePurpose) -> Int64? {
        purpose == .batch && limits.inputExpiresAfterSeconds > 0 ? limits.inputExpiresAfterSeconds : nil
    }
}
