// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Synchronization
import Testing

@testable import BatchAPI

/// A clock that stands still until it is told otherwise.
private final class Clock: Sendable {
    private let start = ContinuousClock.now
    private let passed = Mutex(Duration.zero)

    var now: ContinuousClock.Instant { start + passed.withLock { $0 } }
    func pass(_ time: Duration) { passed.withLock { $0 += time } }
}

@Suite struct `The pace of calls` {
    private let project = ProjectID(rawValue: "proj_1")

    private func limits(_ change: (inout BailianLimits) -> Void) -> BailianLimits {
        var limits = BailianLimits()
        change(&limits)
        return limits
    }

    /// How many of `count` calls pass.
    private func passes(_ pace: CallPace, _ kind: CallPace.Kind, _ count: Int, of project: ProjectID? = nil) -> Int {
        (0..<count).count { _ in (try? pace.check(kind, project ?? self.project)) != nil }
    }

    @Test func `lets as many calls through as a minute allows, then one after the other`() throws {
        let clock = Clock()
        let pace = CallPace(limits { $0.listsPerMinuteMax = 6 }) { clock.now }
        #expect(passes(pace, .list, 10) == 6)
        clock.pass(.seconds(9))
        #expect(passes(pace, .list, 1) == 0)
        clock.pass(.seconds(1))
        #expect(passes(pace, .list, 2) == 1)
        clock.pass(.seconds(25))
        #expect(passes(pace, .list, 9) == 2)
        clock.pass(.seconds(600))
        #expect(passes(pace, .list, 9) == 6)
    }

    @Test func `says when to come again, in whole seconds`() throws {
        let clock = Clock()
        let pace = CallPace(limits { $0.cancelsPerMinuteMax = 2 }) { clock.now }
        #expect(passes(pace, .cancel, 2) == 2)
        clock.pass(.milliseconds(500))
        let error = #expect(throws: BatchError.self) { try pace.check(.cancel, project) }
        #expect(error?.status == 429 && error?.code == "rate_limit_exceeded" && error?.type == "rate_limit_error")
        #expect(error?.retryAfterSeconds == 30 && error?.isFinal == false)
        #expect(error?.message.contains("at most 2 per minute") ?? false)
        clock.pass(.seconds(30))
        try pace.check(.cancel, project)
    }

    @Test func `counts each kind and each project for itself, and some not at all`() {
        let clock = Clock()
        let pace = CallPace(
            limits {
                $0.createsPerMinuteMax = 1
                $0.listsPerMinuteMax = 2
                $0.retrievesPerMinuteMax = 0
            }
        ) { clock.now }
        #expect(passes(pace, .create, 3) == 1 && passes(pace, .list, 3) == 2)
        #expect(passes(pace, .create, 3, of: ProjectID(rawValue: "proj_2")) == 1)
        #expect(passes(pace, .retrieve, 5_000) == 5_000)
        #expect(passes(pace, .cancel, 2_000) == 1_000)
    }

    @Test func `remembers a bounded number of projects`() {
        let clock = Clock()
        let pace = CallPace(limits { $0.projectsRememberedMax = 10 }) { clock.now }
        for index in 0..<100 {
            _ = passes(pace, .list, 1, of: ProjectID(rawValue: "proj_\(index)"))
            #expect(pace.count <= 10)
        }
        clock.pass(.seconds(60))
        _ = passes(pace, .list, 1, of: ProjectID(rawValue: "proj_new"))
        _ = passes(pace, .list, 1, of: ProjectID(rawValue: "proj_newer"))
        #expect(pace.count <= 10)
    }
}
