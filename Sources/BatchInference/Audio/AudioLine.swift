// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The body of an audio line, taken apart: what becomes a form field, and where the file is.
/// (contracts: vLLM run-batch, audio lines)
struct AudioLine {
    /// Where the file is.
    enum Source: Hashable {
        /// To be fetched.
        case url(String)
        /// It came with the line.
        case data(DataURL)
    }

    /// Why a line cannot be sent: its own fault.
    struct Fault: Error, Hashable {
        /// The code of the line's record.
        let code: String
        /// One sentence with the way out.
        let message: String

        /// The line itself is wrong.
        static func request(_ message: String) -> Fault { Fault(code: "invalid_request", message: message) }
    }

    /// The fields in the order of the body, as they are sent.
    let fields: [(name: String, value: [UInt8])]
    /// Where the file is.
    let source: Source

    /// Longest `file_url` that is fetched, in bytes.
    static let urlBytesMax = 8_192

    /// Takes a body apart.
    init(_ body: [UInt8]) throws(Fault) {
        var fields: [(name: String, value: [UInt8])] = []
        var source: Result<Source, Fault>?
        do throws(JSONFault) {
            for member in try StreamValue.members(of: body) ?? [] {
                let name = member.name.withUnsafeBytes { JSONText.string($0) } ?? ""
                if name == "file_url" {
                    source = Self.source(member.value)
                } else if name == "file" {
                    source = .failure(.request("body.file is not possible in a batch: name the file with file_url."))
                    break
                } else {
                    try Self.append(member.value, name, to: &fields)
                }
            }
        } catch {
            throw .request("The body is no JSON: \(error).")
        }
        guard let source else {
            throw .request("body.file_url is missing: an audio line names its file there, by an http or data URL.")
        }
        self.fields = fields
        self.source = try source.get()
    }

    private static func source(_ value: StreamValue) -> Result<Source, Fault> {
        guard let text = value.textBytes else {
            return .failure(.request("body.file_url is \(value.kind.shown). It must be an http or data URL."))
        }
        let scheme = String(decoding: text.prefix { $0 != UInt8(ascii: ":") }.prefix(8), as: UTF8.self).lowercased()
        switch scheme {
        case "data":
            guard let data = DataURL(text) else {
                return .failure(.request("body.file_url is no valid data URL: write data:audio/wav;base64,…"))
            }
            return .success(.data(data))
        case "http", "https":
            guard text.count <= urlBytesMax else {
                return .failure(
                    .request("body.file_url has \(text.count) bytes; at most \(urlBytesMax) are fetched."))
            }
            return .success(.url(String(decoding: text, as: UTF8.self)))
        default:
            return .failure(.request("body.file_url must begin with http://, https:// or data:."))
        }
    }

    /// Adds a field as OpenAI's client libraries do: texts as they are, numbers and booleans as they are written, each
    /// element of a list as a field of its own, objects as JSON; null sends nothing.
    private static func append(
        _ value: StreamValue, _ name: String, to fields: inout [(name: String, value: [UInt8])]
    ) throws(JSONFault) {
        switch value.kind {
        case .null: break
        case .string: fields.append((name, value.textBytes ?? []))
        case .array:
            for element in try value.elements() where element.kind != .null {
                fields.append((name + "[]", element.textBytes ?? element.token))
            }
        default: fields.append((name, value.token))
        }
    }
}
