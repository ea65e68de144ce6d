// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Testing

struct BreakerTests {
    private let start = ContinuousClock.now
    private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    private func opened(pauseMax: Duration = .seconds(30)) -> Breaker {
        var breaker = Breaker(failures: 3, pauseMax: pauseMax)
        for _ in 0..<3 { breaker.fail(isProbe: false, at: start) }
        return breaker
    }

    @Test func `only failures without an answer between them open it`() {
        var breaker = Breaker(failures: 3, pauseMax: .seconds(30))
        for _ in 0..<5 {
            breaker.fail(isProbe: false, at: start)
            breaker.fail(isProbe: false, at: start)
            let hasClosed = breaker.succeed()
            #expect(!hasClosed)
        }
        #expect(breaker.isClosed)
        for _ in 0..<3 { breaker.fail(isProbe: false, at: start) }
        #expect(!breaker.isClosed && !breaker.admits(at: at(0.9)))
    }

    @Test func `after the pause one call passes and no other until it ends`() {
        var breaker = opened()
        #expect(breaker.opensAt == at(1))
        #expect(breaker.admits(at: at(1)))
        let isProbe = breaker.begin()
        #expect(isProbe && !breaker.admits(at: at(100)) && breaker.opensAt == nil)
        // A call from before the pause fails late: that says nothing about the probe.
        breaker.fail(isProbe: false, at: at(2))
        #expect(breaker.opensAt == nil)
        let hasClosed = breaker.succeed()
        #expect(hasClosed && breaker.isClosed && breaker.admits(at: at(2)))
    }

    @Test func `the pause doubles with each probe that fails, up to its limit`() {
        var breaker = opened(pauseMax: .seconds(5))
        var now = at(1)
        var pauses: [Duration] = []
        for _ in 0..<4 {
            _ = breaker.begin()
            breaker.fail(isProbe: true, at: now)
            let next = breaker.opensAt ?? now
            pauses.append(next - now)
            now = next
        }
        #expect(pauses == [.seconds(2), .seconds(4), .seconds(5), .seconds(5)])
    }

    @Test func `a probe that says nothing makes way for another at once`() {
        var breaker = opened()
        _ = breaker.begin()
        breaker.abandon(isProbe: true)
        #expect(breaker.admits(at: at(1)))
    }

    @Test func `a health check opens it and lets the probe through`() {
        var breaker = Breaker(failures: 3, pauseMax: .seconds(30))
        breaker.trip(at: start)
        #expect(!breaker.admits(at: at(0.5)))
        breaker.relent(at: at(0.5))
        #expect(breaker.admits(at: at(0.5)) && !breaker.isClosed)
    }
}
