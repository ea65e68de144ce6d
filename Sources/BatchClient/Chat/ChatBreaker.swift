// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Holds all callers of a model back for as long as the server asks, and then lets them go little by little, as the
/// vendor's SDKs do: one, two, four … of them in each second, all after ten. (contracts: Ark runtime retry behaviour)
final class ChatBreaker: Sendable {
    private struct State {
        var opensAt: ContinuousClock.Instant?
        var letThrough = 0
    }

    private let state = Mutex(State())
    /// Seconds after which nobody is held back any more.
    private static let slowStartSeconds = 10.0

    /// From now on nobody passes for `duration`.
    func close(for duration: Duration, now: ContinuousClock.Instant = .now) {
        state.withLock { state in
            let until = now + duration
            if state.opensAt.map({ until > $0 }) ?? true { state = State(opensAt: until) }
        }
    }

    /// How long somebody who wants to pass at `now` waits before asking again; nil: pass.
    func wait(now: ContinuousClock.Instant = .now) -> Duration? {
        state.withLock { state in
            guard let opensAt = state.opensAt else { return nil }
            guard now > opensAt else { return max(opensAt - now, .milliseconds(1)) }
            let seconds = (now - opensAt) / .seconds(1)
            guard seconds < Self.slowStartSeconds else {
                state.opensAt = nil
                return nil
            }
            // So many have passed when the last whole second began, and twice as many may have at its end.
            let passed = Int(Self.power(of: seconds))
            guard state.letThrough < passed else { return .milliseconds(100) }
            state.letThrough += 1
            return nil
        }
    }

    /// 2 to the power of `seconds`, steps between whole numbers being straight lines.
    private static func power(of seconds: Double) -> Double {
        let whole = Int(seconds)
        return Double(1 << whole) * (1 + seconds - Double(whole))
    }
}
