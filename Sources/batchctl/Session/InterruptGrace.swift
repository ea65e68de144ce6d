// SPDX-License-Identifier: Apache-2.0
internal import Dispatch
internal import Synchronization

/// How long the command may take to come to an end after Ctrl-C; a command that has more to bring home says so.
enum InterruptGrace {
    private static let grace = Mutex(Duration.seconds(3))

    /// From now on the command has so much time.
    static func set(_ duration: Duration) { grace.withLock { $0 = duration } }

    /// The present time it has.
    static var interval: DispatchTimeInterval {
        .milliseconds(Int(grace.withLock { $0 } / .milliseconds(1)))
    }
}
