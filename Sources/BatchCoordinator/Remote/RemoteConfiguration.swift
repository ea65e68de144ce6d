// SPDX-License-Identifier: Apache-2.0

/// Settings of the rooms that fetch inputs from elsewhere and deliver results there.
package struct RemoteConfiguration: Sendable {
    /// Inputs that are fetched at once. Default 4.
    package var fetchesMax = 4
    /// Batches whose results are delivered at once. Default 4.
    package var deliveriesMax = 4
    /// Fetches, and deliveries, of one project at once, over all coordinators. Default 2.
    package var perProjectMax = 2
    /// Attempts to fetch an input before the batch fails, those included that a crash cut short; the waits between them
    /// are 2 s, 4 s, 8 s, …. Default 5.
    package var inputAttemptsMax = 5
    /// How long results wait for a place that cannot be reached before the batch ends without it. Default 30 min.
    package var outputPatience = Duration.seconds(1_800)
    /// Attempts to deliver results that are made however long they have waited. Default 5.
    package var outputAttemptsMin = 5

    /// The defaults.
    package init() {}
}
