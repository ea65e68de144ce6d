// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// What a streamed answer comes to once it is put together.
enum StreamedAnswer: Hashable, Sendable {
    /// The answer that would have come without streaming, as JSON.
    case whole([UInt8])
    /// The stream says that the request failed: with this status, and this error object.
    case failed(status: Int, body: [UInt8])
    /// The stream does not come to an end, or is none; why, in a few words.
    case broken(String)

    /// Puts the complete body of a stream together.
    ///
    /// - Parameters:
    ///   - isSpeech: whether a transcription was asked for, whose whole form is its text alone.
    ///   - mayBeCut: whether the end of the body may be that of a broken connection: the stream must say that it is
    ///     over, since choices that have ended tell nothing of those that would have followed, or of the usage.
    static func assemble(_ body: [UInt8], isSpeech: Bool = false, mayBeCut: Bool = false) -> StreamedAnswer {
        do throws(JSONFault) {
            return try read(EventStream(body), isSpeech: isSpeech, mayBeCut: mayBeCut)
        } catch {
            return .broken("an event of the stream is no JSON: \(error)")
        }
    }

    private static func read(
        _ events: EventStream, isSpeech: Bool, mayBeCut: Bool
    ) throws(JSONFault) -> StreamedAnswer {
        var chunks = AnswerAssembly()
        var isDone = false
        for event in events {
            if event.data.elementsEqual("[DONE]".utf8) {
                isDone = true
                break
            }
            guard let members = try StreamValue.members(of: event.data) else {
                return .broken("an event of the stream is no JSON object")
            }
            let type = members.first { $0.isCalled("type") }?.value.text ?? ""
            let error = members.first { $0.isCalled("error") && $0.value.kind != .null }?.value
            if event.name == "error" || type == "error" || error != nil {
                return try StreamFault(event.data, error: error).answer
            }
            if Self.endings.contains(type), let response = members.first(where: { $0.isCalled("response") })?.value {
                return .whole(response.token)
            }
            if type == "transcript.text.done" { return .whole(event.data) }
            // Everything else that has a type tells of progress which the last event repeats.
            if type.isEmpty { try chunks.take(members) }
        }
        guard chunks.hasChoices, isDone || !mayBeCut && chunks.isFinished else {
            return .broken("the stream ended before its answer did")
        }
        return .whole(isSpeech ? try speech(chunks) : try chunks.answer())
    }

    /// Events that carry the whole answer. (contracts: OpenAI Responses streaming)
    private static let endings: Set<String> = ["response.completed", "response.incomplete", "response.failed"]

    /// A transcription made of chunks, as vLLM streams it.
    private static func speech(_ chunks: AnswerAssembly) throws(JSONFault) -> [UInt8] {
        var out = Array(#"{"text":"#.utf8) + (try chunks.firstText())
        if let usage = chunks.usage { out += Array(#","usage":"#.utf8) + usage }
        return out + Array("}".utf8)
    }
}
