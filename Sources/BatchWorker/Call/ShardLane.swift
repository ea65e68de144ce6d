// SPDX-License-Identifier: Apache-2.0
import BatchInference

/// The lines of a shard that go the same way; a mixed shard has one lane for each of its routes, every other one.
/// Changed only through ``HeldShard``.
struct ShardLane: Sendable {
    /// Where they go.
    let route: Route
    /// Tries that are due, last one first.
    var dueAgain: [StartableLine] = []
    /// No line before this one is fresh.
    var nextFresh = 0
    /// Lines that no try was made at.
    var freshCount = 0

    /// Lines that may start.
    var startable: Int { freshCount + dueAgain.count }

    /// How soon it is looked again whether there is room for files; the end of another call is a reason to look too.
    private static let filesEvery = Duration.milliseconds(50)

    /// A place for the next line; nil when there is none, or when the line's file would have no room.
    func reserve(files: FileBudget?, at now: ContinuousClock.Instant) -> Reservation? {
        guard startable > 0, !waitsForFiles(files, at: now) else { return nil }
        return route.reserve(avoiding: dueAgain.last?.avoiding, at: now)
    }

    /// When time alone lets the next line start.
    func opensAt(_ now: ContinuousClock.Instant, files: FileBudget?) -> ContinuousClock.Instant? {
        guard startable > 0 else { return nil }
        return waitsForFiles(files, at: now) ? now + Self.filesEvery : route.opensAt(now)
    }

    /// Adds a line that is to be tried again. Those whose file is there go first: nothing else gives its room back.
    mutating func insert(_ line: StartableLine) {
        guard line.upload == nil, dueAgain.last?.upload != nil else { return dueAgain.append(line) }
        let place = dueAgain.lastIndex { $0.upload == nil }.map { $0 + 1 } ?? 0
        dueAgain.insert(line, at: place)
    }

    private func waitsForFiles(_ files: FileBudget?, at now: ContinuousClock.Instant) -> Bool {
        // Files that wait for a backend without room make way only for a line whose backend has some.
        guard route.isSpeech, let files, dueAgain.last?.upload == nil, route.hasRoom(at: now) else { return false }
        return !files.hasRoom(at: now)
    }
}
