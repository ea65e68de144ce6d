// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// Every backend of the configuration, and the built-in test model.
package struct BackendSet: Sendable {
    /// In the order of the configuration.
    package let backends: [Backend]
    private let routes = RouteCache(countMax: Self.routesMax)

    /// Routes kept at once; what was learnt of the backends is forgotten with a route.
    package static let routesMax = 1_024

    /// Prepares the backends; `version` is the program's, for the user agent. No backend is contacted.
    ///
    /// - Throws: ``InvalidBackend`` with every problem of every backend, double names included.
    package init(_ configurations: [BackendConfiguration], version: String) throws {
        var problems = configurations.flatMap { $0.validate() }
        let names = Dictionary(grouping: configurations, by: \.name)
        problems += names.filter { $1.count > 1 }.keys.sorted().map { "backend \($0): the name is used twice" }
        guard problems.isEmpty else { throw InvalidBackend(problems: problems) }
        backends = try configurations.map { try Backend($0, userAgent: "shardline/\(version)") }
    }

    /// Whether lines of `model` can be answered.
    package func serves(model: String) -> Bool {
        model == Endpoint.testModel || backends.contains { Self.pattern(of: $0, for: model) != nil }
    }

    /// Whether any backend could be given more calls than it has; true without backends, for the test model's sake.
    package var isHungry: Bool { backends.isEmpty || backends.contains(where: \.isHungry) }

    /// Model names that are written out in the configuration, and the test model: for listing; sorted, each once.
    package var namedModels: [String] {
        let named = backends.flatMap(\.configuration.models).compactMap { pattern -> String? in
            if case .exact(let name) = pattern { return name }
            return nil
        }
        return Set(named + [Endpoint.testModel]).sorted()
    }

    /// Where lines of `model` go; nil when nobody serves it.
    ///
    /// The first backend of the configuration that matches decides; others that match by the very same pattern are its
    /// equals, and lines go to them by their weights. The same route is given to all who ask.
    package func route(model: String, endpoint: String) -> Route? {
        routes.route(model: model, endpoint: endpoint) {
            if model == Endpoint.testModel && endpoint == Endpoint.test.rawValue {
                return Route(endpoint: endpoint, backends: [])
            }
            guard let leading = backends.lazy.compactMap({ Self.pattern(of: $0, for: model) }).first else { return nil }
            return Route(
                endpoint: endpoint, backends: backends.filter { Self.pattern(of: $0, for: model) == leading })
        }
    }

    private static func pattern(of backend: Backend, for model: String) -> ModelPattern? {
        backend.configuration.models.first { $0.matches(model) }
    }
}
