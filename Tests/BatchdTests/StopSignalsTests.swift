// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import batchd

@Suite(.serialized) struct StopSignalsTests {
    @Test func `a signal that comes at once after the start is heard, and the next one is told apart`() async {
        for _ in 0..<50 {
            let (heard, hear) = AsyncStream.makeStream(of: String.self)
            let signals = StopSignals(
                first: { hear.yield("first \($0)") }, further: { hear.yield("further \($0)") })
            kill(getpid(), SIGTERM)
            var seen = heard.makeAsyncIterator()
            #expect(await seen.next() == "first SIGTERM")
            kill(getpid(), SIGINT)
            #expect(await seen.next() == "further SIGINT")
            withExtendedLifetime(signals) {}
        }
    }
}
