// SPDX-License-Identifier: Apache-2.0

/// How many connections a server can have open, and how many of them may belong to held requests, with the files that
/// the system lets it open.
struct ConnectionRoom: Hashable, Sendable {
    /// Connections of the API in all.
    let connections: Int
    /// Requests that may be held.
    let held: Int

    /// Connections that held requests never take, when the configuration has as many.
    static let othersMin = 1_024

    /// Fits what is configured into `openFilesMax` files, of which `reserve` are needed for other things.
    ///
    /// - Parameters:
    ///   - connectionsMax: connections besides those of held requests.
    ///   - heldMax: requests that may be held.
    init(connectionsMax: Int, heldMax: Int, openFilesMax: Int, reserve: Int) {
        // A server that can hardly open anything still answers its health probe.
        let most = max(openFilesMax - reserve, 16)
        connections = min(connectionsMax + heldMax, most)
        held = min(heldMax, max(connections - min(connectionsMax, Self.othersMin), connections / 2))
    }
}
