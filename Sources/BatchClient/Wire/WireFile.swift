// SPDX-License-Identifier: Apache-2.0

/// A FileObject as a server sends it; only the fields this client reads, unknown ones are ignored.
/// (contracts: OpenAI FileObject)
package struct WireFile: Codable, Hashable, Sendable {
    /// `file-…`
    package var id: String
    /// Payload size in bytes.
    package var bytes: Int64
    /// Unix seconds.
    package var createdAt: Int64
    /// Unix seconds after which the file is gone; nil for never.
    package var expiresAt: Int64?
    /// The name it was uploaded under: data only, never to be used as a path.
    package var filename: String
    /// What it is for, such as `batch` or `batch_output`.
    package var purpose: String

    /// A file from its fields.
    package init(
        id: String, bytes: Int64, createdAt: Int64, expiresAt: Int64? = nil, filename: String, purpose: String
    ) {
        self.id = id
        self.bytes = bytes
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.filename = filename
        self.purpose = purpose
    }

    enum CodingKeys: String, CodingKey {
        case id, bytes, filename, purpose
        case createdAt = "created_at"
        case expiresAt = "expires_at"
    }
}

/// The answer to a deletion. (contracts: OpenAI files, webhook endpoint management)
package struct WireDeletion: Codable, Hashable, Sendable {
    /// The file or endpoint that was asked for.
    package var id: String
    /// Whether it is gone now.
    package var deleted: Bool
}

/// A model the server accepts in lines. (contracts: OpenAI models)
package struct WireModel: Codable, Hashable, Sendable {
    /// The name lines use, such as `batch-test-model`.
    package var id: String
    /// Who serves it; nil when the server does not say.
    package var ownedBy: String?

    enum CodingKeys: String, CodingKey {
        case id
        case ownedBy = "owned_by"
    }
}
