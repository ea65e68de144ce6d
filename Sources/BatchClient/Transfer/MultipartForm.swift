// SPDX-License-Identifier: Apache-2.0
internal import Curl

/// A `multipart/form-data` body (RFC 7578) of some text fields and one file, which is read while it is sent, so that
/// the length is known beforehand and memory does not depend on it.
struct MultipartForm: Sendable {
    /// The value of `Content-Type`.
    let contentType: String
    /// Text fields and head of the file part, the file, the end.
    let body: UploadBody

    /// A form. The boundary carries 128 random bits, so that no file holds it.
    init(fields: [(String, String)], file: LocalFile, boundary: String = "batchctl-" + newIdempotencyKey()) {
        var head = ""
        for (name, value) in fields {
            head += "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
        }
        head += "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; "
        head += "filename=\"\(Self.quoted(file.name))\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        let tail = "\r\n--\(boundary)--\r\n"
        contentType = "multipart/form-data; boundary=\(boundary)"
        body = UploadBody([
            .bytes(SharedBytes(Array(head.utf8))),
            .file(path: file.path, offset: 0, length: file.bytes),
            .bytes(SharedBytes(Array(tail.utf8))),
        ])
    }

    /// A file name inside quotes: quote and backslash escaped, line ends percent-encoded, the rest as UTF-8.
    static func quoted(_ name: String) -> String {
        var output = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\r": output += "%0D"
            case "\n": output += "%0A"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }
}
