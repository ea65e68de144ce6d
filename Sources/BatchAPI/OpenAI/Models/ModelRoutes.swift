// SPDX-License-Identifier: Apache-2.0

import BatchCore
import HTTPTypes

/// The routes that tools use to find out whether a server speaks the API, and what it serves. (contracts: other routes)
struct ModelRoutes: Sendable {
    /// What the paths start with.
    let pathPrefix: String
    /// The names that are listed, in order.
    let models: [String]
    /// Unix seconds shown as every model's age: when this server started.
    let created: Int64

    /// The table of these routes. A model's name may contain slashes.
    var routes: [Route] {
        [
            .guarded(.get, pathPrefix + "/models", list),
            .guarded(.get, pathPrefix + "/models/{id...}", retrieve),
        ]
    }

    private func list(_ call: Call, _ project: ProjectID) async throws -> Answer {
        .json(.object([.init("object", .string("list")), .init("data", .array(models.map(object)))]))
    }

    private func retrieve(_ call: Call, _ project: ProjectID) async throws -> Answer {
        guard let name = call.identifier, models.contains(name) else {
            let name = call.identifier?.prefix(200) ?? ""
            var error = BatchError.notFound(
                "The model '\(name)' does not exist or is not listed; GET \(pathPrefix)/models lists what is served.",
                param: "model")
            error.code = "model_not_found"
            throw error
        }
        return .json(object(name))
    }

    private func object(_ name: String) -> JSONValue {
        .object([
            .init("id", .string(name)), .init("object", .string("model")), .init("created", .integer(created)),
            .init("owned_by", .string("shardline")),
        ])
    }
}
