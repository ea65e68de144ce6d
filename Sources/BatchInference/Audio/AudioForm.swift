// SPDX-License-Identifier: Apache-2.0

/// Writes the form that audio endpoints want. (RFC 7578)
enum AudioForm {
    /// Between the parts: one for all forms of the process, so that the header fields are prepared once; random, so
    /// that no file can have been made to hold it.
    static let boundary: String = {
        let words = (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }
        return "shardline-" + words.joined(separator: "-")
    }()

    /// The value of the field `Content-Type`.
    static let contentType = "multipart/form-data; boundary=\(boundary)"

    /// A form of these fields and the file.
    static func bytes(_ fields: [(name: String, value: [UInt8])], file: [UInt8], name: String, type: String) -> [UInt8]
    {
        var out: [UInt8] = []
        out.reserveCapacity(file.count + fields.reduce(1_024) { $0 + $1.value.count + $1.name.utf8.count + 128 })
        for field in fields {
            out.append(contentsOf: "--\(boundary)\r\n".utf8)
            out.append(contentsOf: "Content-Disposition: form-data; name=\"\(quoted(field.name))\"\r\n\r\n".utf8)
            out.append(contentsOf: field.value)
            out.append(contentsOf: "\r\n".utf8)
        }
        out.append(contentsOf: "--\(boundary)\r\n".utf8)
        out.append(
            contentsOf: "Content-Disposition: form-data; name=\"file\"; filename=\"\(quoted(name))\"\r\n".utf8)
        out.append(contentsOf: "Content-Type: \(type)\r\n\r\n".utf8)
        out.append(contentsOf: file)
        out.append(contentsOf: "\r\n--\(boundary)--\r\n".utf8)
        return out
    }

    /// A name as it may stand between quotes; as browsers write it.
    private static func quoted(_ name: String) -> String {
        var out = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "\"": out += "%22"
            case "\r": out += "%0D"
            case "\n": out += "%0A"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}

/// What a form calls a file.
enum AudioFileName {
    /// The last part of a URL's path, else `audio` with an ending that fits the media type: servers tell formats apart
    /// by it.
    static func of(url: String, type: String) -> String {
        let path = url.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        let authority = url.utf8.drop { $0 != UInt8(ascii: "/") }.dropFirst(2)
        guard authority.prefix(while: { $0 != UInt8(ascii: "?") }).contains(UInt8(ascii: "/")) else {
            return of(type: type)
        }
        let last = ArraySlice(
            path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).last ?? path[...])
        let bytes = (DataURL.percentDecoded(last) ?? Array(last)).filter { byte in
            byte >= 0x20 && byte != 0x7F && byte != UInt8(ascii: "/") && byte != UInt8(ascii: "\\")
        }
        let name = String(decoding: bytes.suffix(bytesMax), as: UTF8.self)
        return name.isEmpty ? of(type: type) : name
    }

    /// `audio` with the ending of a media type.
    static func of(type: String) -> String {
        let subtype = type.lowercased().split(separator: "/").last.map(String.init) ?? ""
        let ending =
            switch subtype {
            case "wav", "x-wav", "wave", "vnd.wave": "wav"
            case "mpeg", "mp3", "mpga": "mp3"
            case "mp4", "x-m4a", "m4a", "aac": "m4a"
            case "ogg", "opus": "ogg"
            case "flac", "x-flac": "flac"
            case "webm": "webm"
            default: ""
            }
        return ending.isEmpty ? "audio" : "audio." + ending
    }

    /// A media type that may stand in a field; `application/octet-stream` in place of anything odd.
    static func type(_ text: String) -> String {
        let bare = text.prefix { $0 != ";" }.filter { $0 != " " }
        let isPlain = bare.utf8.allSatisfy { byte in
            byte > 0x20 && byte < 0x7F && !#"()<>@,;:\"[]?="#.utf8.contains(byte)
        }
        return isPlain && bare.contains("/") ? String(bare) : "application/octet-stream"
    }

    private static let bytesMax = 120
}
