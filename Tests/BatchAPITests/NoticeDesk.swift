// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Foundation
import Testing

@testable import BatchAPI

extension RunningDesk {
    /// Creates a batch over the wire and ends it as refused; its event waits for its dispatch.
    func ended(_ more: String = "", key: Key = .own) async throws -> (batch: String, event: EventID) {
        let body =
            #"{"input_file_id":"file-none","endpoint":"/v1/chat/completions","completion_window":"24h"\#(more)}"#
        let made = try await send("POST", "/v1/batches", body: Array(body.utf8), key: key)
        guard let id = made.text("id") else { throw RawFault(description: made.bodyText) }
        let event = EventID.random()
        guard let duty = try await store.claimValidation(owner: .random(), lease: .seconds(60)),
            duty.lease.batch.rawValue == id,
            try await store.refuseBatch(duty.lease, problems: "[]", event: event)
        else { throw RawFault(description: "\(id) could not be ended") }
        return (id, event)
    }

    /// Ends a batch and publishes its event.
    func published(_ more: String = "", key: Key = .own) async throws -> EventID {
        let event = try await ended(more, key: key).event
        _ = try await store.dispatchEvents(to: StandingReceivers())
        return event
    }

    /// One request with a JSON body.
    func ask(_ method: String, _ path: String, _ body: String? = nil, key: Key = .own) async throws -> RawResponse {
        try await send(method, path, body: body.map { Array($0.utf8) }, key: key)
    }

    /// A registered endpoint, as the server showed it.
    func endpoint(url: String = "https://example.com/hook", types: String = #""batch.failed""#) async throws
        -> RawResponse
    {
        try await ask("POST", "/v1/webhook_endpoints", #"{"name":"n","url":"\#(url)","event_types":[\#(types)]}"#)
    }

    /// A key of another project.
    func stranger() async throws -> Key {
        let key = "sk-stranger-0123456789"
        try await addKey(key, to: try await store.ensureProject(name: "stranger"))
        return .of(key)
    }

    /// Claims everything that is due and settles it that way.
    func settleAll(_ sequel: DeliverySettlement.Sequel) async throws {
        let owner = CoordinatorID.random()
        let places = DeliveryPlaces(all: 100, doubtful: 100, perTarget: 100)
        for duty in try await store.claimDeliveries(owner: owner, places: places, lease: .seconds(60)) {
            let settlement = DeliverySettlement(
                duty: duty, sequel: sequel, statusCode: sequel == .delivered ? 204 : 500, latency: .milliseconds(7),
                error: sequel == .delivered ? nil : "the receiver answered 500", answer: [0x68, 0x69, 0xFF])
            _ = try await store.settleDeliveries([settlement], owner: owner, disableAfter: .seconds(3_600))
        }
    }

    /// Sends requests until one is answered with that status; for what gives no signal.
    func wait(for status: Int, _ path: String, _ between: () async throws -> Void = {}) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await send("GET", path).status != status {
            guard ContinuousClock.now < deadline else {
                throw RawFault(description: "\(path) was not answered with \(status)")
            }
            try await between()
        }
    }
}

extension RawResponse {
    /// The elements of a list.
    var elements: [[String: Any]] { object["data"] as? [[String: Any]] ?? [] }

    /// The ids of the elements of a list.
    var ids: [String] { elements.compactMap { $0["id"] as? String } }

    /// Whether this is that refusal, complete.
    func isRefusal(_ status: Int, code: String? = nil, param: String? = nil) -> Bool {
        self.status == status && isProperError && (code == nil || error["code"] as? String == code)
            && (param == nil || error["param"] as? String == param)
    }
}
