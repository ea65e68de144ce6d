// SPDX-License-Identifier: Apache-2.0
internal import Curl
internal import FoundationEssentials

extension Refusal {
    /// Most bytes of a foreign error page that are shown.
    private static let excerptBytesMax = 200

    private struct Body: Decodable {
        struct Inner: Decodable {
            var message: String?
            var type: String?
            var code: Code?
            var param: String?
        }
        /// Some servers send a number where OpenAI sends a text.
        enum Code: Decodable {
            case text(String)
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let number = try? container.decode(Int.self) {
                    self = .text(String(number))
                } else {
                    self = .text(try container.decode(String.self))
                }
            }
            var text: String {
                switch self {
                case .text(let text): text
                }
            }
        }
        var error: Inner
    }

    /// Reads an answer of status 400…599; a body of another form gives an excerpt of its text.
    init(status: Int, headers: HTTPHeaders, body: [UInt8]) {
        let requestID = headers.first("x-request-id")
        if let error = (try? JSONDecoder().decode(Body.self, from: Data(body)))?.error {
            self.init(
                status: status, message: error.message ?? "", type: error.type, code: error.code?.text,
                param: error.param, requestID: requestID)
            return
        }
        let isText = headers.first("Content-Type")?.lowercased().hasPrefix("text/html") != true
        let excerpt = String(decoding: body.prefix(Self.excerptBytesMax), as: UTF8.self)
        let words = excerpt.split(whereSeparator: \.isWhitespace)
        self.init(status: status, message: isText ? words.joined(separator: " ") : "", requestID: requestID)
    }
}
