// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// Puts the chunks of a streamed chat completion or completion together to the answer that would have come without
/// streaming. (contracts: OpenAI chat completion chunks)
///
/// Names of the whole (`id`, `created`, `model`, `system_fingerprint`) are those of the first chunk that has them,
/// `usage` and everything unknown those of the last; texts, lists and log probabilities are joined per choice.
struct AnswerAssembly {
    private struct Choice {
        let index: [UInt8]
        var members: [StreamValue.Member] = []
    }

    private var members: [StreamValue.Member] = []
    private var choices: [Choice] = []
    private var placeOfChoices: Int?
    private var isChat = false

    /// Nothing has come yet.
    init() {}

    /// Whether any part of an answer has come.
    var hasChoices: Bool { !choices.isEmpty }

    /// Whether every choice that began has said why it ended.
    var isFinished: Bool {
        !choices.isEmpty
            && choices.allSatisfy { choice in
                choice.members.contains { $0.isCalled("finish_reason") && $0.value.kind != .null }
            }
    }

    /// Takes in the next chunk.
    mutating func take(_ chunk: [StreamValue.Member]) throws(JSONFault) {
        for member in chunk {
            if member.isCalled("choices") {
                if placeOfChoices == nil { placeOfChoices = members.count }
                for (number, choice) in try member.value.elements().enumerated() { try take(choice, number) }
            } else if let known = members.first(where: { $0.name == member.name })?.value {
                let isName = Self.areNames.contains { member.isCalled($0) }
                if isName ? known.isEmpty : member.value.kind != .null { known.replace(with: member.value) }
            } else {
                members.append(member)
            }
        }
    }

    /// Given by the first chunk that has them; Azure's first chunk leaves them empty.
    private static let areNames: [StaticString] = ["id", "object", "created", "model", "system_fingerprint"]

    /// Takes in a part of a choice; `number` is its place in the chunk, for servers that leave the index out.
    private mutating func take(_ part: StreamValue, _ number: Int) throws(JSONFault) {
        guard let parts = try StreamValue.members(of: part.token) else { return }
        let index = parts.first { $0.isCalled("index") }?.value.token ?? Array(String(number).utf8)
        let place = choices.firstIndex { $0.index == index } ?? choices.count
        if place == choices.count { choices.append(Choice(index: index)) }
        for member in parts {
            let isDelta = member.isCalled("delta")
            if isDelta { isChat = true }
            let name = isDelta ? StreamValue.quoted("message") : member.name
            guard let known = choices[place].members.first(where: { $0.name == name })?.value else {
                choices[place].members.append(.init(name: name, value: member.value))
                continue
            }
            if isDelta || member.isCalled("text") || member.isCalled("logprobs")
                || known.kind == .array && member.value.kind == .array
            {
                try known.merge(member.value)
            } else if member.value.kind != .null {
                known.replace(with: member.value)
            }
        }
    }

    /// The answer so far as one JSON object.
    func answer() throws(JSONFault) -> [UInt8] {
        var out: [UInt8] = []
        var whole = members
        for member in whole where member.isCalled("object") {
            guard let text = member.value.text, text.hasSuffix(".chunk") else { continue }
            var token: [UInt8] = []
            JSONText.appendString(String(text.dropLast(".chunk".count)), to: &token)
            member.value.replace(with: StreamValue(.string, token))
        }
        let choices = StreamValue(.array, try self.joinedChoices())
        whole.insert(
            .init(name: StreamValue.quoted("choices"), value: choices), at: min(placeOfChoices ?? 0, whole.count))
        StreamValue.append(whole, to: &out)
        return out
    }

    /// What the first choice says, as a raw JSON string: of a chat its content, else its text.
    func firstText() throws(JSONFault) -> [UInt8] {
        let empty = Array(#""""#.utf8)
        guard let first = ordered.first else { return empty }
        for member in first.members {
            if member.isCalled("message"), let content = try member.value.member("content"), content.kind == .string {
                return content.token
            }
            if member.isCalled("text"), member.value.kind == .string { return member.value.token }
        }
        return empty
    }

    /// The last usage that was told, as raw JSON; nil when none was.
    var usage: [UInt8]? {
        members.first { $0.isCalled("usage") && $0.value.kind == .object }?.value.token
    }

    private var ordered: [Choice] {
        choices.sorted { left, right in
            // Numbers without surplus digits: the shorter is the smaller.
            (left.index.count, String(decoding: left.index, as: UTF8.self))
                < (right.index.count, String(decoding: right.index, as: UTF8.self))
        }
    }

    private func joinedChoices() throws(JSONFault) -> [UInt8] {
        var out: [UInt8] = [UInt8(ascii: "[")]
        for (number, choice) in ordered.enumerated() {
            if number > 0 { out.append(UInt8(ascii: ",")) }
            var members = choice.members
            if isChat, !members.contains(where: { $0.isCalled("message") }) {
                members.append(
                    .init(name: StreamValue.quoted("message"), value: StreamValue(.object, Array("{}".utf8))))
            }
            for member in members where member.isCalled("message") { try complete(member.value) }
            StreamValue.append(members, to: &out)
        }
        out.append(UInt8(ascii: "]"))
        return out
    }

    /// Gives a message what every whole one has, and takes away what only pieces need.
    private func complete(_ message: StreamValue) throws(JSONFault) {
        guard message.kind == .object else { return }
        try message.provide("content", StreamValue(.null, Array("null".utf8)), first: true)
        try message.provide("role", StreamValue(.string, Array(#""assistant""#.utf8)), first: true)
        try message.member("tool_calls")?.dropFromElements("index")
    }
}
