// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore

extension ArkBatch {
    /// The job as lists show it. (contracts: Ark item)
    ///
    /// - Parameter queueNote: why it waits, for one that is queued.
    func item(queueNote: String? = nil) -> JSONValue { .object(members(queueNote)) }

    /// The job as it is shown alone: with the place of its errors and what it used.
    func details(queueNote: String? = nil) -> JSONValue {
        .object(
            members(queueNote) + [
                .init("ErrorFileTosLocation", errorFile), .init("TokenUsage", tokenUsage),
            ])
    }

    /// The name of the model as people would write it.
    private var modelReference: JSONValue {
        switch model {
        case .foundation(let name, let version):
            .object([
                .init(
                    "FoundationModel",
                    .object([.init("Name", .string(name)), .init("ModelVersion", .string(version))])),
                .init("CustomModelId", .null),
            ])
        case .custom(let id): .object([.init("FoundationModel", .null), .init("CustomModelId", .string(id))])
        }
    }

    private func members(_ queueNote: String?) -> [JSONValue.Member] {
        [
            .init("Id", .string(batch.id.rawValue)),
            .init("Name", .string(name)),
            .init("Description", .string(description ?? "")),
            .init("ProjectName", .string(projectName)),
            .init("Tags", .raw(tags)),
            .init("InputFileTosLocation", Self.location(input.bucket, input.key)),
            .init("OutputDirTosLocation", Self.location(outputFolder.bucket, outputFolder.key)),
            .init("ModelReference", modelReference),
            .init("CompletionWindow", .string(batch.completionWindow)),
            .init("RequestCounts", counts),
            .init("Status", status(queueNote)),
            .init("CreateTime", .string(ArkMoment.text(createdAt))),
            .init("UpdateTime", .string(ArkMoment.text(updatedAt))),
            .init("ExpireTime", .string(ArkMoment.text(batch.expiresAt))),
        ]
    }

    private var counts: JSONValue {
        .object([
            .init("Total", .integer(batch.counts.total)), .init("Completed", .integer(batch.counts.completed)),
            .init("Failed", .integer(batch.counts.failed)),
        ])
    }

    private func status(_ queueNote: String?) -> JSONValue {
        .object([
            .init("Phase", .string(phase.rawValue)), .init("PhaseTime", .string(ArkMoment.text(phaseAt))),
            .init("Message", .string(message(queueNote))),
        ])
    }

    /// What there is to know beyond the phase, for people.
    private func message(_ queueNote: String?) -> String {
        let undelivered = batch.remote.output?.outcome?.error.map { "The results could not be written: \($0)" }
        switch phase {
        case .queued: return queueNote ?? ""
        case .failed: return batch.problems.map(Self.sentences) ?? undelivered ?? ""
        case .terminating, .terminated:
            let isExpired = batch.status == .expired || batch.status == .finalizing
            let reason =
                isExpired ? "The completion window passed before every line was called." : "The job was stopped."
            return [reason, undelivered].compactMap { $0 }.joined(separator: " ")
        case .initializing, .running, .completed: return undelivered ?? ""
        }
    }

    /// Problems that are told in full; the others are counted.
    private static let problemsToldMax = 3

    /// What validation found, as text.
    private static func sentences(_ problems: String) -> String {
        guard case .array(let entries)? = try? JSONTree.parse(Array(problems.utf8)) else { return "" }
        let told = entries.prefix(problemsToldMax).compactMap { entry -> String? in
            guard case .object(let members) = entry else { return nil }
            let fields = JSONFields(members)
            guard case .string(let message)? = fields["message"] else { return nil }
            guard case .number(let line)? = fields["line"] else { return message }
            return "Line \(line): \(message)"
        }
        let more = entries.count - told.count
        return (told + (more > 0 ? ["\(more) more problems were found."] : [])).joined(separator: " ")
    }

    /// Where the errors are; null while there are none.
    private var errorFile: JSONValue {
        guard batch.errorFileID != nil, batch.remote.output?.outcome?.status == .delivered else { return .null }
        return Self.location(outputFolder.bucket, ArkFiles(folder: outputFolder, job: batch.id).errorsKey)
    }

    private var tokenUsage: JSONValue {
        .object([
            .init("PromptTokens", .integer(batch.usage.inputTokens)),
            .init("CompletionTokens", .integer(batch.usage.outputTokens)),
            .init("TotalTokens", .integer(batch.usage.totalTokens)),
        ])
    }

    private static func location(_ bucket: String, _ key: String) -> JSONValue {
        .object([.init("BucketName", .string(bucket)), .init("ObjectKey", .string(key))])
    }
}
