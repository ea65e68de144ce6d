// SPDX-License-Identifier: Apache-2.0
package import BatchCore

/// An event as a server sends it: a batch has come to its end. Unknown fields are ignored.
package struct WireEvent: Codable, Hashable, Sendable {
    /// `evt_…`, the same on every channel.
    package var id: String
    /// Unix seconds.
    package var createdAt: Int64
    /// Such as `batch.completed`, as text: a newer server may know types that this client does not.
    package var type: String
    /// What it tells of the batch.
    package var data: Content

    /// The batch as it ended.
    package struct Content: Codable, Hashable, Sendable {
        /// `batch_…`
        package var id: String?
        /// Its last status.
        package var status: String?
        /// Results of lines that succeeded; nil when there are none.
        package var outputFileID: String?
        /// Results of lines that did not; nil when there are none.
        package var errorFileID: String?
        /// Lines in all, succeeded, failed; nil when the server sends none.
        package var requestCounts: RequestCounts?
        /// The user's own labels.
        package var metadata: [String: String]?

        /// Nothing told.
        package init() {}

        enum CodingKeys: String, CodingKey {
            case id, status, metadata
            case outputFileID = "output_file_id"
            case errorFileID = "error_file_id"
            case requestCounts = "request_counts"
        }
    }

    /// An event from its fields.
    package init(id: String, createdAt: Int64, type: String, data: Content) {
        self.id = id
        self.createdAt = createdAt
        self.type = type
        self.data = data
    }

    enum CodingKeys: String, CodingKey {
        case id, type, data
        case createdAt = "created_at"
    }
}
