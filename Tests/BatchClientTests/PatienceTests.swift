// SPDX-License-Identifier: Apache-2.0
import Curl
import Testing

@testable import BatchClient

struct PatienceTests {
    private let patience = Patience()

    private func answered(_ status: Int, _ headers: [(String, String)] = []) -> Failure {
        Failure(status: status, headers: HTTPHeaders(headers), now: 1_000)
    }

    private func wait(
        _ failure: Failure, _ repeatability: Repeatability = .harmless, attempt: Int = 1, elapsed: Duration = .zero
    ) -> Duration? {
        patience.wait(after: failure, repeatability, attempt: attempt, elapsed: elapsed, jitter: 0)
    }

    @Test func `waits of our own double up to a limit, less a random quarter`() {
        let failure = answered(503)
        #expect((1...4).map { wait(failure, attempt: $0) } == [.seconds(0.5), .seconds(1), .seconds(2), .seconds(4)])
        #expect(wait(failure, attempt: 5) == nil)
        let endless = Patience(attemptsMax: .max)
        #expect(endless.wait(after: failure, .harmless, attempt: 900, elapsed: .zero, jitter: 0) == .seconds(8))
        #expect(endless.wait(after: failure, .harmless, attempt: 1, elapsed: .zero, jitter: 1) == .seconds(0.375))
    }

    @Test func `the server's wish goes before our own wait, and milliseconds before seconds`() {
        #expect(wait(answered(429, [("Retry-After", "7")])) == .seconds(7))
        #expect(wait(answered(429, [("Retry-After", "7"), ("retry-after-ms", "1500")])) == .milliseconds(1500))
        #expect(wait(answered(503, [("Retry-After", "Thu, 01 Jan 1970 00:16:50 GMT")])) == .seconds(10))
        #expect(wait(answered(503, [("Retry-After", "Thu, 01 Jan 1970 00:00:01 GMT")])) == .zero)
    }

    @Test func `a wish beyond patience is reported at once`() {
        #expect(wait(answered(429, [("Retry-After", "121")])) == nil)
        #expect(wait(answered(429, [("Retry-After", "60")]), elapsed: .seconds(61)) == nil)
    }

    @Test func `what the server did not do may be repeated, what it may have done only where that is harmless`() {
        for status in [408, 429, 503] { #expect(wait(answered(status), .onlyIfNotDone) != nil) }
        for status in [500, 502, 504, 520] {
            #expect(wait(answered(status)) != nil)
            #expect(wait(answered(status), .onlyIfNotDone) == nil)
        }
        for status in [400, 401, 403, 404, 409, 413, 416, 422, 501, 505, 507] {
            #expect(wait(answered(status)) == nil)
        }
    }

    @Test func `the server's word about retries overrides the status`() {
        #expect(wait(answered(503, [("x-should-retry", "false")])) == nil)
        #expect(wait(answered(409, [("x-should-retry", "true")])) != nil)
        #expect(wait(answered(503, [("x-should-retry", "maybe")])) != nil)
    }

    @Test func `a server that is not there is reported at once, a broken connection is not`() {
        for code in [CurlError.Code.couldNotConnect, .couldNotResolve, .timeoutConnect, .tls, .cancelled, .badURL] {
            #expect(wait(.broke(CurlError(code, ""), isWhole: false)) == nil)
        }
        for code in [CurlError.Code.connectionLost, .timeoutFirstByte, .timeoutIdle] {
            #expect(wait(.broke(CurlError(code, ""), isWhole: true)) != nil)
            #expect(wait(.broke(CurlError(code, ""), isWhole: true), .onlyIfNotDone) == nil)
            #expect(wait(.broke(CurlError(code, ""), isWhole: false), .onlyIfNotDone) != nil)
        }
    }
}
