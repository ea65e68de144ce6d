// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchCore
import BatchInference
import BatchStore
import BatchWorker
import ServiceLifecycle

extension Assembly {
    /// What holds requests until they are answered, and the services that it needs.
    ///
    /// With backends in the configuration there is a lane in memory too: one more worker, for requests that need not
    /// outlive the process.
    ///
    /// - Parameter heldMax: requests that it may hold, as far as there are files for their connections.
    func liveLane(store: Store, heldMax: Int) throws -> (
        desk: LiveDesk, services: [(name: String, service: any Service)]
    ) {
        var configuration = settings.live
        configuration.heldMax = heldMax
        guard !settings.backends.isEmpty else {
            let desk = LiveDesk(configuration: configuration, store: store, logger: logger)
            return (desk, [("live lane", desk)])
        }
        let lane = try memoryLane(store: store)
        let memory = MemoryAnswering(
            serves: { lane.serves(model: $0, endpoint: $1) },
            outcome: { request in
                let party = MemoryRequest.Party(
                    project: request.project, key: request.key, endpoint: request.endpoint, model: request.model)
                return try await lane.outcome(of: MemoryRequest(party: party, body: request.body, wait: request.wait))
            })
        let desk = LiveDesk(configuration: configuration, store: store, memory: memory, logger: logger)
        return (desk, [("live lane", desk), ("live lane in memory", lane)])
    }

    private func memoryLane(store: Store) throws -> MemoryLane {
        var limits = MemoryLimits()
        limits.requestsMax = settings.live.memoryMax
        limits.keptFor = settings.live.answersKept
        limits.retryAfterSeconds = settings.live.retryAfterSeconds
        let parts = try workerParts()
        return MemoryLane(
            limits: limits, configuration: parts.configuration, store: store, backends: parts.backends,
            caller: parts.caller, prober: parts.prober, id: parts.id, logger: logger)
    }
}
