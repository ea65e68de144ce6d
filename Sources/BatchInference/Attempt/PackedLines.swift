// SPDX-License-Identifier: Apache-2.0
package import BatchCore
import Curl

/// The lines of a shard, sent in place: bodies are views of the pack's own bytes.
package final class PackedLines: Sendable {
    private let bytes: SharedBytes
    private let lines: [PackedLine]
    /// Where the lines of a mixed batch go; empty when all go where the batch says.
    package let routes: [LineRoute]

    /// How many bytes are held.
    package var byteCount: Int { bytes.count }

    /// How many lines.
    package var count: Int { lines.count }

    /// Takes a pack apart.
    package init(_ pack: [UInt8]) throws(PackFault) {
        bytes = SharedBytes(pack)
        let read = try LinePack(pack)
        lines = read.lines
        routes = read.routes
    }

    /// Index into ``routes`` for every line; empty when there is no choice.
    package var lanes: [UInt16] {
        routes.count < 2 ? [] : lines.map { UInt16(clamping: $0.endpoint ?? 0) }
    }

    /// One try at the line `ordinal` (0-based, below `count`).
    package func request(
        ordinal: Int, attempt: Int, windowEnds: ContinuousClock.Instant, lastError: String = ""
    ) -> LineRequest {
        let line = lines[ordinal]
        // A slice of an array has the array's own indices. The view lives as long as its owner, this object.
        let body = bytes.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: $0[line.body.indices]) }
        return LineRequest(
            ordinal: ordinal, customID: line.customID, body: SharedBytes(owner: self, body), attempt: attempt,
            windowEnds: windowEnds, lastError: lastError)
    }
}
