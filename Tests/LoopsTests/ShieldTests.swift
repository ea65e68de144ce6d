// SPDX-License-Identifier: Apache-2.0
import Loops
import Testing

private struct Broken: Error, Equatable {}

@Suite(.timeLimit(.minutes(1)))
struct ShieldTests {
    @Test func `a shielded step does not see the cancellation of its caller`() async {
        let task = Task {
            await withoutCancellation {
                await Task.yield()
                return Task.isCancelled
            }
        }
        task.cancel()
        #expect(await task.value == false)
    }

    @Test func `a shielded step throws what it throws`() async {
        await #expect(throws: Broken()) {
            try await withoutCancellation { () throws(Broken) -> Int in throw Broken() }
        }
    }

    @Test func `a step within its deadline returns its value`() async throws {
        #expect(try await withDeadline(.seconds(60)) { 7 } == 7)
    }

    @Test func `a step beyond its deadline is cancelled`() async {
        await #expect(throws: DeadlineExceeded(limit: .milliseconds(5))) {
            try await withDeadline(.milliseconds(5)) { try await Task.sleep(for: .seconds(3_600)) }
        }
    }

    @Test func `a step that fails within its deadline throws its own error`() async {
        await #expect(throws: Broken()) {
            try await withDeadline(.seconds(60)) { throw Broken() }
        }
    }
}
