// SPDX-License-Identifier: Apache-2.0

internal import BatchCore

/// What a load of batch chat requests consists of. (contracts: Ark runtime batch)
package struct ChatPlan: Sendable {
    /// What the paths of Ark's runtime begin with, such as `http://127.0.0.1:8080/api/v3`.
    package var base: String
    /// Sent as `Authorization: Bearer …`; nil sends none.
    package var apiKey: String?
    /// Callers that each have one request under way.
    package var callers: Int
    /// Requests of each caller, one after the other.
    package var tasks: Int
    /// Longest time for one request, with all its repetitions.
    package var timeout: Duration
    /// Whether the server keeps the requests in its database.
    package var isDurable: Bool

    /// A load; the defaults are those of the vendor's example.
    package init(
        base: String, apiKey: String?, callers: Int = 10_000, tasks: Int = 5, timeout: Duration = .seconds(24 * 3_600),
        isDurable: Bool = true
    ) {
        self.base = base
        self.apiKey = apiKey
        self.callers = callers
        self.tasks = tasks
        self.timeout = timeout
        self.isDurable = isDurable
    }

    /// Requests in all.
    package var requests: Int { callers * tasks }

    /// A chat request as the vendor's example makes it.
    package static func body(model: String, system: String, prompt: String) -> [UInt8] {
        func message(_ role: String, _ content: String) -> JSONValue {
            .object([.init("role", .string(role)), .init("content", .string(content))])
        }
        return JSONValue.object([
            .init("model", .string(model)),
            .init("messages", .array([message("system", system), message("user", prompt)])),
        ]).bytes
    }
}
