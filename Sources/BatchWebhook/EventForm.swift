// SPDX-License-Identifier: Apache-2.0

package import BatchCore

/// The form in which a message broker gets events.
package enum EventForm: Hashable, Sendable {
    /// CloudEvents 1.0, structured. (contracts: EventBridge)
    case cloudEvent(CloudEvent)
    /// As Volcengine Ark tells of its batch jobs. (contracts: Ark event)
    case ark

    /// Media type of the body.
    package var contentType: String {
        switch self {
        case .cloudEvent: "application/cloudevents+json"
        case .ark: "application/json"
        }
    }

    /// The whole message.
    package func body(of event: OutboxEvent) -> [UInt8] {
        switch self {
        case .cloudEvent(let form): form.body(of: event)
        case .ark: ArkEvent.body(of: event)
        }
    }
}
