// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Curl

/// Finds the line's result in an answer whose status says success: JSON as it came, a stream put together, or, for
/// transcriptions, a text.
struct AnswerReader: Sendable {
    /// What an answer holds.
    struct Reading {
        /// The answer's status, or the one that its stream reports.
        var status: Int
        /// What is recorded.
        var body: ResponseBody
        /// Why the answer cannot be used; nil when it can.
        var fault: String?
    }

    /// Whether a transcription was asked for.
    let isSpeech: Bool

    /// Reads a complete answer.
    func read(_ response: HTTPResponse) -> Reading {
        let body = ResponseBody(response.body)
        guard let fault = body.fault else { return Reading(status: response.status, body: body) }
        // Only what is no JSON is looked at more closely, so that plain answers cost nothing more.
        let type = (response.headers.first("Content-Type") ?? "").lowercased()
        if type.hasPrefix("text/event-stream") || EventStream.isLikely(response.body) {
            return read(stream: response, instead: body)
        }
        if isSpeech, let text = TextAnswer.json(response.body, type: type), !response.isDelimitedByClose {
            return Reading(status: response.status, body: ResponseBody(text))
        }
        return Reading(status: response.status, body: body, fault: "body is no JSON: \(fault)")
    }

    private func read(stream response: HTTPResponse, instead: ResponseBody) -> Reading {
        let answer = StreamedAnswer.assemble(
            response.body, isSpeech: isSpeech, mayBeCut: response.isDelimitedByClose)
        return switch answer {
        case .whole(let answer): Reading(status: response.status, body: ResponseBody(answer))
        case .failed(let status, let error): Reading(status: status, body: ResponseBody(error))
        case .broken(let why): Reading(status: response.status, body: instead, fault: why)
        }
    }
}

/// A transcription that is a text and no JSON: `response_format` may be `text`, `srt` or `vtt`.
enum TextAnswer {
    /// The text as `{"text": …}`, so that it fits a result line; nil when the answer does not look like one.
    static func json(_ answer: [UInt8], type: String) -> [UInt8]? {
        let isText = type.isEmpty || type.hasPrefix("text/") || type.hasPrefix("application/x-subrip")
        let start = answer.first { $0 > 0x20 }
        guard isText, !type.hasPrefix("text/html"), start != UInt8(ascii: "<"),
            let text = String(validating: answer, as: UTF8.self)
        else { return nil }
        return JSONValue.object([.init("text", .string(text))]).bytes
    }
}
