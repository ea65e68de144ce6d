// SPDX-License-Identifier: Apache-2.0

package import BatchCore

/// A message broker that is told of every event. Another kind of broker is one more type that conforms, in one file,
/// and one more case in the settings.
package protocol EventSink: Sendable {
    /// Publishes an event once, and reports delivered only when the broker has confirmed that it keeps it.
    func publish(_ event: OutboxEvent) async -> AttemptReport
    /// Ends its connections; what is under way is given a few seconds.
    func close() async
}
