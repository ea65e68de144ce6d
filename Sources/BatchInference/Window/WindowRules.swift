// SPDX-License-Identifier: Apache-2.0

/// Between which bounds a ``ConcurrencyWindow`` moves, and how patiently.
package struct WindowRules: Hashable, Sendable {
    /// Calls in flight allowed before anything is known of the backend.
    package var start: Int
    /// Fewest calls in flight that are ever allowed, at least 1.
    package var floor: Int
    /// Most calls in flight that are ever allowed.
    package var ceiling: Int
    /// How many times its unhurried latency a backend may take before it counts as queueing, above 1.
    package var tolerance: Double

    /// Rules; `start` and `floor` are brought below the ceiling.
    package init(start: Int = 64, floor: Int = 1, ceiling: Int, tolerance: Double = 2) {
        self.ceiling = max(ceiling, 1)
        self.floor = min(max(floor, 1), self.ceiling)
        self.start = min(max(start, self.floor), self.ceiling)
        self.tolerance = max(tolerance, 1.01)
    }

    /// A latency below this is never taken for a queue: it is the network's and this process's own.
    static let latencyFloorSeconds = 0.020
    /// How long a limit that was found is believed before it is tried to exceed it.
    static let holdFirst = Duration.seconds(2)
    /// The same after several tries that failed. A failed try costs one refused call, so that trying is cheap.
    static let holdMax = Duration.seconds(8)
    /// When a refusal stops all calls for a time, the next try waits this many times as long: tries then cost at most
    /// a twentieth of the throughput.
    static let holdPerPause = 20
    /// First pause when not even the fewest calls are accepted and the backend does not say when to come back.
    static let quietFirst = Duration.milliseconds(100)
    /// Longest such pause.
    static let quietMax = Duration.seconds(5)
}
