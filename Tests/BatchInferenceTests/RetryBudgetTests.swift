// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Testing

struct RetryBudgetTests {
    private let start = ContinuousClock.now
    private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test func `few repeats wait no longer than they would anyway`() {
        var budget = RetryBudget(ratio: 0.2, perSecond: 10, stretchMax: .seconds(30))
        for second in 0..<20 {
            for _ in 0..<100 { budget.succeed(at: at(Double(second))) }
            for _ in 0..<20 { #expect(budget.delay(.zero, at: at(Double(second))) == .zero) }
        }
    }

    @Test func `repeats beyond the budget are spread over time`() {
        var budget = RetryBudget(ratio: 0.2, perSecond: 10, stretchMax: .seconds(30))
        let waits = (0..<110).map { _ in budget.delay(.zero, at: start) / .seconds(1) }
        #expect(waits.prefix(10).allSatisfy { $0 == 0 })
        // A hundred are left, ten may go each second.
        for second in 0..<10 {
            let due = waits.filter { $0 > Double(second) + 1e-9 && $0 <= Double(second + 1) + 1e-9 }.count
            #expect((9...11).contains(due))
        }
    }

    @Test func `successes pay for a fifth of themselves`() {
        var budget = RetryBudget(ratio: 0.2, perSecond: 1, stretchMax: .seconds(1_000))
        var due: [Double] = []
        for tenth in 0..<600 {
            let now = Double(tenth) / 10
            for _ in 0..<50 { budget.succeed(at: at(now)) }
            for _ in 0..<50 { due.append(now + budget.delay(.zero, at: at(now)) / .seconds(1)) }
        }
        // 500 successes a second pay for 100 repeats, and one more is free.
        let repeats = due.filter { $0 > 100 && $0 <= 250 }.count
        #expect(abs(repeats - 150 * 101) <= 150 * 5)
    }

    @Test func `no wait is stretched beyond its limit, however many lines failed at once`() {
        var budget = RetryBudget(ratio: 0.2, perSecond: 10, stretchMax: .seconds(30))
        let longest = (0..<10_000).map { _ in budget.delay(.seconds(1), at: start) }.max() ?? .zero
        #expect(longest <= .seconds(30) && longest > .seconds(29))
        #expect(budget.delay(.seconds(60), at: start) == .seconds(60))
    }
}
