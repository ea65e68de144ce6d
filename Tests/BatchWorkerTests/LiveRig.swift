// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchCore
import BatchStore
import BatchTesting
import Logging
import ServiceLifecycle

/// A live desk under a service group: what a coordinator's process has of the live lane.
final class LiveRig: Sendable {
    let desk: LiveDesk
    let store: Store
    private let project: ProjectID
    private let group: ServiceGroup
    private let task: Task<Void, any Error>

    /// Starts a desk with a store of its own.
    init(_ test: TestStore, memory: MemoryAnswering? = nil, adjust: (inout LiveConfiguration) -> Void = { _ in }) {
        var configuration = LiveConfiguration()
        configuration.pollEvery = .milliseconds(50)
        adjust(&configuration)
        let quiet = Logger(label: "live") { _ in SwiftLogNoOpLogHandler() }
        store = test.again()
        project = test.project
        desk = LiveDesk(configuration: configuration, store: store, memory: memory, logger: quiet)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: desk, successTerminationBehavior: .gracefullyShutdownGroup)], logger: quiet)
        )
        self.group = group
        task = Task { try await group.run() }
    }

    /// Asks and waits.
    func ask(
        _ text: String, key: Int64 = 1, model: String = "m", wait: Duration = .seconds(600), isDurable: Bool = true
    ) async throws -> LiveAnswer {
        try await desk.answer(
            LiveRequest(
                project: project, key: key, endpoint: "/v1/chat/completions", model: model,
                body: Array(#"{"model":"m","text":"\#(text)"}"#.utf8), wait: wait, isDurable: isDurable))
    }

    /// As SIGTERM: returns when the desk has left.
    func shutDown() async throws {
        await group.triggerGracefulShutdown()
        try await task.value
        await store.close()
    }
}

extension LiveAnswer {
    /// The body as text.
    var text: String { String(decoding: body, as: UTF8.self) }
}
