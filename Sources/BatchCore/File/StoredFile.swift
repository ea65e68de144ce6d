// SPDX-License-Identifier: Apache-2.0

/// What a file is for. (contracts: OpenAI FileObject)
package enum FilePurpose: String, CaseIterable, Codable, Hashable, Sendable {
    case assistants
    case assistantsOutput = "assistants_output"
    case batch
    case batchOutput = "batch_output"
    case evals
    case fineTune = "fine-tune"
    case fineTuneResults = "fine-tune-results"
    case userData = "user_data"
    case vision

    /// Whether a client may upload with this purpose; the others are written by the server only.
    package var isUploadable: Bool {
        switch self {
        case .assistants, .batch, .evals, .fineTune, .userData, .vision: true
        case .assistantsOutput, .batchOutput, .fineTuneResults: false
        }
    }
}

/// A stored file as its row stands; the bytes live in the vault under `vaultKey`.
package struct StoredFile: Hashable, Sendable {
    /// `file-…`
    package var id: FileID
    /// The tenant it belongs to.
    package var project: ProjectID
    /// What it is for.
    package var purpose: FilePurpose
    /// The name it was uploaded under; data only, never a path.
    package var filename: String
    /// Payload size in bytes.
    package var bytes: Int64
    /// SHA-256 of the payload, 32 bytes.
    package var sha256: [UInt8]
    /// Where the vault keeps the bytes.
    package var vaultKey: String
    /// Unix seconds.
    package var createdAt: Int64
    /// Unix seconds after which the file is gone, or nil for never.
    package var expiresAt: Int64?

    /// A file from its columns.
    package init(
        id: FileID, project: ProjectID, purpose: FilePurpose, filename: String, bytes: Int64, sha256: [UInt8],
        vaultKey: String, createdAt: Int64, expiresAt: Int64?
    ) {
        self.id = id
        self.project = project
        self.purpose = purpose
        self.filename = filename
        self.bytes = bytes
        self.sha256 = sha256
        self.vaultKey = vaultKey
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

/// A file about to be recorded: its bytes are already sealed in the vault.
package struct NewFile: Hashable, Sendable {
    /// The id it will have.
    package var id: FileID
    /// The tenant it belongs to.
    package var project: ProjectID
    /// What it is for.
    package var purpose: FilePurpose
    /// The name users see.
    package var filename: String
    /// Payload size in bytes.
    package var bytes: Int64
    /// SHA-256 of the payload, 32 bytes.
    package var sha256: [UInt8]
    /// Where the vault keeps the bytes.
    package var vaultKey: String
    /// Lifetime from the commit on, in seconds; nil for no expiry.
    package var expiresAfterSeconds: Int64?

    /// A file about to be recorded.
    package init(
        id: FileID, project: ProjectID, purpose: FilePurpose, filename: String, bytes: Int64, sha256: [UInt8],
        vaultKey: String, expiresAfterSeconds: Int64?
    ) {
        self.id = id
        self.project = project
        self.purpose = purpose
        self.filename = filename
        self.bytes = bytes
        self.sha256 = sha256
        self.vaultKey = vaultKey
        self.expiresAfterSeconds = expiresAfterSeconds
    }
}

/// The sealed bytes of a file in the vault: what a writer hands over when it is done.
package struct SealedBlob: Hashable, Sendable {
    /// Where the vault keeps the bytes.
    package var vaultKey: String
    /// Size in bytes.
    package var bytes: Int64
    /// SHA-256, 32 bytes.
    package var sha256: [UInt8]

    /// A sealed blob.
    package init(vaultKey: String, bytes: Int64, sha256: [UInt8]) {
        self.vaultKey = vaultKey
        self.bytes = bytes
        self.sha256 = sha256
    }
}
