// SPDX-License-Identifier: Apache-2.0

/// How fast something moves of late. Pure: instants are given, in seconds of one clock.
struct RateMeter {
    /// How far back "of late" reaches, in seconds.
    let window: Double
    private var samples: [(time: Double, done: Int64)] = []

    /// A meter that has seen nothing.
    init(window: Double) {
        self.window = window
    }

    /// So much was done at `time`, which does not run backwards. A smaller number than before starts anew.
    mutating func add(_ done: Int64, at time: Double) {
        if let last = samples.last, done < last.done { samples = [] }
        samples.append((time, done))
        // One sample from before the window stays, so that the window is covered.
        while samples.count > 2, time - samples[1].time >= window { samples.removeFirst() }
    }

    /// Units in a second over the window; nil before a second's worth of samples.
    var rate: Double? {
        guard let first = samples.first, let last = samples.last, last.time - first.time >= 1 else { return nil }
        return Double(last.done - first.done) / (last.time - first.time)
    }
}
