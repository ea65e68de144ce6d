// SPDX-License-Identifier: Apache-2.0

/// A request body read piece by piece while it is sent: bytes in memory and ranges of local files, in order.
package struct UploadBody: Sendable {
    /// A stretch of the body.
    package enum Part: Sendable {
        /// Bytes in memory.
        case bytes(SharedBytes)
        /// `length` bytes of the file at `path`, from `offset`. Both ≥ 0. The file must not change meanwhile.
        case file(path: String, offset: Int64, length: Int64)

        /// Number of bytes.
        package var count: Int64 {
            switch self {
            case .bytes(let bytes): Int64(bytes.count)
            case .file(_, _, let length): length
            }
        }
    }

    /// Stretches in the order they are sent.
    package var parts: [Part]
    /// Whether the length is announced (`Content-Length`); else the body is sent chunked.
    package var announcesLength: Bool

    /// A body of these stretches.
    package init(_ parts: [Part], announcesLength: Bool = true) {
        self.parts = parts
        self.announcesLength = announcesLength
    }

    /// Announced number of bytes; nil when sent chunked.
    package var contentLength: Int64? { announcesLength ? count : nil }

    /// Number of bytes.
    package var count: Int64 { parts.reduce(0) { $0 + $1.count } }
}
