// SPDX-License-Identifier: Apache-2.0

package import BatchCoordinator

/// Who answers the requests of Ark's batch chat, and what holds while they wait.
package struct HeldRequests: Sendable {
    /// Holds a request until it is answered.
    package var desk: any LiveAnswering
    /// Longest time that a request waits for its answer. (contracts: Ark runtime retry behaviour)
    package var wait: Duration
    /// Requests that may wait at once; their connections come on top of those of all other routes.
    package var heldMax: Int
    /// Whether some backend serves the model; requests that name another are refused at once.
    package var modelIsKnown: @Sendable (String) -> Bool

    /// Who answers, and what holds meanwhile.
    package init(
        desk: any LiveAnswering, wait: Duration, heldMax: Int, modelIsKnown: @escaping @Sendable (String) -> Bool
    ) {
        self.desk = desk
        self.wait = wait
        self.heldMax = heldMax
        self.modelIsKnown = modelIsKnown
    }
}
