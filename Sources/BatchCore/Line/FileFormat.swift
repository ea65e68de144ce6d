// SPDX-License-Identifier: Apache-2.0

/// What a file that is no UTF-8 text looks like from its first bytes; one problem instead of one per line.
package enum FileFormat: String, CaseIterable, Sendable {
    case utf16 = "UTF-16 or UTF-32 text"
    case gzip = "a gzip file"
    case zip = "a zip archive or a spreadsheet"
    case zstd = "a zstd file"
    case bzip2 = "a bzip2 file"
    case xz = "an xz file"
    case sevenZip = "a 7z archive"
    case pdf = "a PDF document"
    case page = "a web page or XML"

    /// How many bytes at the start of a file decide.
    static let headBytes = 6

    /// Recognises the start of a file (`headBytes`, fewer when the file is shorter); nil for what may be JSON lines.
    package init?(head: [UInt8]) {
        let magics: [(FileFormat, [UInt8])] = [
            (.utf16, [0xFF, 0xFE]), (.utf16, [0xFE, 0xFF]), (.utf16, [0x00, 0x00, 0xFE, 0xFF]),
            (.gzip, [0x1F, 0x8B]), (.zip, [0x50, 0x4B, 0x03, 0x04]), (.zip, [0x50, 0x4B, 0x05, 0x06]),
            (.zstd, [0x28, 0xB5, 0x2F, 0xFD]), (.bzip2, [0x42, 0x5A, 0x68]),
            (.xz, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]), (.sevenZip, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]),
            (.pdf, [0x25, 0x50, 0x44, 0x46]), (.page, [0x3C, 0x21]), (.page, [0x3C, 0x3F]), (.page, [0x3C, 0x68]),
            (.page, [0x3C, 0x48]),
        ]
        if let match = magics.first(where: { head.starts(with: $0.1) }) {
            self = match.0
        } else if head.count >= 2, (head[0] == 0) != (head[1] == 0) {
            // ASCII in UTF-16 without a byte order mark: every other byte is zero.
            self = .utf16
        } else {
            return nil
        }
    }

    /// The one problem of such a file.
    var problem: LineProblem {
        let wayOut =
            switch self {
            case .utf16: "Save it as UTF-8."
            case .pdf, .page: "Upload a JSON Lines file."
            default: "Decompress it before uploading."
            }
        return LineProblem(
            .invalidFileFormat,
            "The file looks like \(rawValue), not like UTF-8 text with one JSON object per line. \(wayOut)")
    }
}
