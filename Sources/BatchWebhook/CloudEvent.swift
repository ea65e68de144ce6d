// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Foundation

/// Events in the form that message brokers pass on: CloudEvents 1.0, structured mode. (contracts: EventBridge)
package struct CloudEvent: Hashable, Sendable {
    /// Who says it: `source`.
    package var source: String
    /// What kind of event it is: `type`.
    package var type: String

    /// The attributes that consumers of Model Studio's own events know, unless others are given.
    package init(source: String = "acs.dashscope", type: String = "dashscope:System:BatchTaskFinish") {
        self.source = source
        self.type = type
    }

    /// The whole message.
    func body(of event: OutboxEvent) -> [UInt8] {
        JSONValue.object([
            .init("specversion", .string("1.0")),
            .init("id", .string(event.id.rawValue)),
            .init("source", .string(source)),
            .init("type", .string(type)),
            .init("subject", .string(event.batch.id.rawValue)),
            .init("time", .string(Self.time(event.createdAt))),
            .init("datacontenttype", .string("application/json")),
            .init("data", Self.data(event)),
        ]).bytes
    }

    /// The keys of Model Studio's events of asynchronous tasks, then our own.
    private static func data(_ event: OutboxEvent) -> JSONValue {
        let batch = event.batch
        return .object([
            .init("task_id", .string(batch.id.rawValue)),
            .init("task_status", .string(taskStatus(event.type))),
            .init("start_time", .string(time(batch.createdAt))),
            .init("end_time", .string(time(event.createdAt))),
            .init("batch_id", .string(batch.id.rawValue)),
            .init("project_id", .string(batch.project.rawValue)),
            .init("event_type", .string(event.type.rawValue)),
            .init("status", .string(batch.status.rawValue)),
            .init("output_file_id", JSONValue(batch.outputFileID?.rawValue)),
            .init("error_file_id", JSONValue(batch.errorFileID?.rawValue)),
            .init("request_counts", batch.countsObject),
            .init("metadata", batch.metadata.map(JSONValue.raw) ?? .null),
        ])
    }

    private static func taskStatus(_ type: EventType) -> String {
        switch type {
        case .batchCompleted: "SUCCEEDED"
        case .batchFailed, .batchExpired: "FAILED"
        case .batchCancelled: "CANCELED"
        }
    }

    /// RFC 3339 in UTC.
    static func time(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: TimeInterval(seconds)).ISO8601Format()
    }
}
