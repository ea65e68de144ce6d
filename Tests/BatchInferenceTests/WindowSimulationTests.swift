// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Glibc
import Testing

/// The window against models of backends, in virtual time.
struct WindowSimulationTests {
    private func ideal(_ lines: Int, _ slots: Int, _ seconds: Double = 0.2) -> Double {
        Double(lines) / Double(slots) * seconds
    }

    /// Latency like that of language models: log-normal, median 1 s, mean 1.65 s.
    private static let modelLike: @Sendable (Double, inout SeededNumbers) -> Double = { _, numbers in
        exp(numbers.normal())
    }

    @Test func `256 slots unknown at start are used almost from the beginning`() throws {
        var exchange = try SimulatedExchange(lines: 50_000, service: .init(slots: { _ in 256 }))
        let result = exchange.run()
        let ratio = ideal(50_000, 256) / result.elapsed
        #expect(result.answered == 50_000)
        #expect(ratio >= 0.985)
        #expect(result.requests <= 51_000)
    }

    @Test func `64 slots are used with hardly a call too many`() throws {
        var exchange = try SimulatedExchange(lines: 50_000, service: .init(slots: { _ in 64 }))
        let result = exchange.run()
        let ratio = ideal(50_000, 64) / result.elapsed
        #expect(result.answered == 50_000)
        #expect(ratio >= 0.96)
        #expect(result.requests <= 52_500)
    }

    @Test func `refusals that stop all calls for a second are rare`() throws {
        var exchange = try SimulatedExchange(
            lines: 50_000, service: .init(slots: { _ in 64 }, retryAfter: 1))
        let result = exchange.run()
        let ratio = ideal(50_000, 64) / result.elapsed
        #expect(ratio >= 0.90)
        #expect(result.requests <= 51_000)
    }

    @Test(arguments: 1...2) func `jitter does not cost throughput`(seed: Int) throws {
        var exchange = try SimulatedExchange(
            lines: 50_000, seed: UInt64(seed),
            service: .init(slots: { _ in 256 }, work: { _, numbers in Double.random(in: 0.1...0.3, using: &numbers) }))
        let result = exchange.run()
        let ratio = ideal(50_000, 256) / result.elapsed
        #expect(ratio >= 0.97)
        #expect(result.requests <= 51_000)
    }

    @Test(arguments: 1...2) func `a backend without any limit gets the most calls it may`(seed: Int) throws {
        for work in [{ _, _ in 0.2 }, Self.modelLike] {
            var exchange = try SimulatedExchange(lines: 60_000, seed: UInt64(seed), service: .init(work: work))
            let result = exchange.run(until: 30)
            #expect(result.range(10, 30) == 1_024...1_024)
        }
    }

    @Test(arguments: [16, 64, 256], 1...2) func `latency of all lengths is not taken for a queue`(
        concurrency: Int, seed: Int
    ) throws {
        var exchange = try SimulatedExchange(
            lines: 40_000, seed: UInt64(seed), service: .init(work: Self.modelLike),
            adjust: {
                $0.concurrency = concurrency
                $0.windowStart = 8
            })
        let result = exchange.run(until: 100)
        #expect(result.range(20, 100) == concurrency...concurrency)
    }

    @Test(arguments: 1...2) func `a backend that queues is kept busy and not flooded`(seed: Int) throws {
        let even: (Double, inout SeededNumbers) -> Double = { _, _ in 0.2 }
        let uneven: (Double, inout SeededNumbers) -> Double = { _, numbers in
            Double.random(in: 0.1...0.3, using: &numbers)
        }
        for work in [even, uneven] {
            var exchange = try SimulatedExchange(
                lines: 40_000, seed: UInt64(seed), service: .init(servers: 256, work: work),
                adjust: { $0.concurrency = 10_000 })
            let result = exchange.run()
            let ratio = ideal(40_000, 256) / result.elapsed
            let settled = result.range(15, result.elapsed - 2)
            #expect(settled.lowerBound >= 256 && settled.upperBound <= 620)
            #expect(ratio >= 0.98)
        }
    }

    @Test func `capacity that goes and comes back is followed within seconds`() throws {
        var exchange = try SimulatedExchange(
            lines: 60_000, service: .init(slots: { $0 >= 10 && $0 < 30 ? 64 : 256 }))
        let result = exchange.run()
        #expect(result.range(9, 10).lowerBound >= 250)
        #expect(result.range(12, 30).upperBound <= 72)
        #expect(result.range(41, 42).lowerBound >= 240)
        #expect(result.requests <= 62_000)
    }

    @Test func `work that becomes longer is not taken for a queue for long`() throws {
        var exchange = try SimulatedExchange(
            lines: 200_000, service: .init(work: { now, _ in now < 20 ? 0.2 : 1.2 }),
            adjust: { $0.concurrency = 256 })
        let result = exchange.run(until: 60)
        #expect(result.range(19, 20) == 256...256)
        #expect(result.range(45, 60) == 256...256)
    }

    @Test func `one refusal in a hundred by chance does not choke a backend`() throws {
        var exchange = try SimulatedExchange(
            lines: 50_000, service: .init(refusedByChance: 0.01), adjust: { $0.concurrency = 256 })
        let result = exchange.run()
        let ratio = ideal(50_000, 256) / result.elapsed
        #expect(ratio >= 0.65)
    }

    @Test func `a backend that refuses everything is asked rarely, and used again when it accepts`() throws {
        var exchange = try SimulatedExchange(
            lines: 20_000, service: .init(slots: { $0 < 30 ? 0 : 256 }))
        let result = exchange.run()
        #expect(result.requests - 20_000 <= 700)
        #expect(result.elapsed <= 30 + 30)
        #expect(result.answered == 20_000)
    }
}
