// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// Finding the boundary in a request's Content-Type. (RFC 2046 section 5.1.1)
enum MultipartBoundary {
    /// The boundary that `contentType` names, without hyphens.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` when the type is another one or names no usable boundary.
    static func find(in contentType: String?) throws -> [UInt8] {
        let example = "send it as multipart/form-data, for example with curl -F purpose=batch -F file=@input.jsonl"
        guard let contentType, !contentType.isEmpty else {
            throw BatchError.invalid(
                "The upload has no Content-Type header; \(example).", code: "invalid_content_type")
        }
        guard let parsed = HeaderParameters(parsing: contentType.utf8), parsed.value == "multipart/form-data" else {
            throw BatchError.invalid(
                "The Content-Type '\(contentType.prefix(100))' cannot carry a file; \(example).",
                code: "invalid_content_type")
        }
        guard let boundary = parsed["boundary"], (1...70).contains(boundary.count),
            boundary.allSatisfy({ (0x20...0x7E).contains($0) }), boundary.last != 0x20
        else {
            throw BatchError.invalid(
                "The Content-Type header needs a boundary of 1 to 70 printable ASCII characters: let the HTTP client "
                    + "set this header by itself.", code: "invalid_content_type")
        }
        return boundary
    }
}
