// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The built-in model: answers every line at once with one fixed sentence and calls no backend.
/// (contracts: Bailian test model)
package enum TestModel {
    /// What it says.
    package static let sentence = "This is a test result."

    /// A chat completion named `id`, made at `unixSeconds`.
    package static func answer(id: String, unixSeconds: Int64) -> [UInt8] {
        JSONValue.object([
            .init("id", .string("chatcmpl-\(id)")),
            .init("object", .string("chat.completion")),
            .init("created", .integer(unixSeconds)),
            .init("model", .string(Endpoint.testModel)),
            .init(
                "choices",
                .array([
                    .object([
                        .init("index", .integer(0)),
                        .init("message", .object([.init("content", .string(sentence))])),
                        .init("finish_reason", .string("stop")),
                    ])
                ])),
            .init(
                "usage",
                .object([
                    .init("prompt_tokens", .integer(20)),
                    .init("completion_tokens", .integer(6)),
                    .init("total_tokens", .integer(26)),
                ])),
        ]).bytes
    }
}
