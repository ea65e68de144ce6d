// SPDX-License-Identifier: Apache-2.0
import BatchCore
import HTTPTypes
import Synchronization
import Testing

@testable import BatchAPI
@testable import BatchStore

private func headers(_ values: String...) -> HTTPFields {
    var headers = HTTPFields()
    for value in values { headers.append(HTTPField(name: .authorization, value: value)) }
    return headers
}

@Suite struct `The key ring` {
    @Test(arguments: [
        headers(), headers(""), headers("Bearer"), headers("Bearer "), headers("sk-abc"), headers("Basic c2stYWJj"),
        headers("Bearer a b"), headers("Bearer a", "Bearer b"), headers("Bearer a\tb"),
        headers("Bearer " + String(repeating: "k", count: 513)),
    ])
    func `never asks the database about malformed headers`(headers: HTTPFields) async throws {
        let ring = KeyRing(trust: .seconds(3), entriesMax: 10) { _ in
            Issue.record("asked")
            return nil
        }
        let error = try await #require(throws: BatchError.self) { try await ring.project(for: headers) }
        #expect(error.status == 401 && error.code == "invalid_api_key")
        #expect(error.message.contains("Authorization: Bearer YOUR_KEY"))
    }

    @Test func `shows no more of an unknown key than its start`() async throws {
        let ring = KeyRing(trust: .seconds(3), entriesMax: 10) { _ in nil }
        let long = "sk-" + String(repeating: "s3cr3t", count: 8)
        let error = try await #require(throws: BatchError.self) {
            try await ring.project(for: headers("Bearer \(long)"))
        }
        #expect(error.message.contains("sk-s3cr") && !error.message.contains("sk-s3cr3"))
        let short = try await #require(throws: BatchError.self) {
            try await ring.project(for: headers("Bearer hunter2"))
        }
        #expect(!short.message.contains("hunter2"))
    }

    @Test func `asks once for a key that many requests show at the same time`() async throws {
        let calls = Mutex(0)
        let (gate, opened) = AsyncStream.makeStream(of: Void.self)
        let owner = APIKeyOwner(keyID: 1, project: ProjectID(rawValue: "proj_1"))
        let ring = KeyRing(trust: .seconds(3_600), entriesMax: 2) { _ in
            calls.withLock { $0 += 1 }
            for await _ in gate { break }
            return owner
        }
        try await withThrowingTaskGroup(of: ProjectID.self) { group in
            for _ in 0..<100 { group.addTask { try await ring.project(for: headers("Bearer key")) } }
            opened.yield()
            for try await project in group { #expect(project == owner.project) }
        }
        #expect(calls.withLock { $0 } == 1)
    }

    @Test func `asks again for unknown keys, and for known ones once their trust has run out`() async throws {
        let calls = Mutex(0)
        let owner = APIKeyOwner(keyID: 1, project: ProjectID(rawValue: "proj_1"))
        func ring(_ trust: Duration, knows: Bool) -> KeyRing {
            KeyRing(trust: trust, entriesMax: 2) { digest in
                #expect(digest.count == 32)
                calls.withLock { $0 += 1 }
                return knows ? owner : nil
            }
        }
        let trusting = ring(.seconds(3_600), knows: true)
        for _ in 0..<5 { #expect(try await trusting.project(for: headers("bearer key")) == owner.project) }
        #expect(calls.withLock { $0 } == 1)
        let wary = ring(.zero, knows: true)
        for _ in 0..<5 { _ = try await wary.project(for: headers("Bearer key")) }
        #expect(calls.withLock { $0 } == 6)
        let ignorant = ring(.seconds(3_600), knows: false)
        for _ in 0..<5 {
            await #expect(throws: BatchError.self) { try await ignorant.project(for: headers("Bearer key")) }
        }
        #expect(calls.withLock { $0 } == 11)
    }
}

private final class Crowd: Sendable {
    private let count = Mutex(0)

    @discardableResult
    func change(by step: Int) -> Int {
        count.withLock {
            $0 += step
            return $0
        }
    }
}

@Suite struct `A gate` {
    @Test func `lets in as many as it may and refuses when the queue is full`() async {
        let gate = Gate(limit: 2, waitersMax: 0)
        #expect(await gate.enter(waitingAtMost: .seconds(60)))
        #expect(await gate.enter(waitingAtMost: .seconds(60)))
        #expect(await !gate.enter(waitingAtMost: .seconds(60)))
        gate.leave()
        #expect(await gate.enter(waitingAtMost: .seconds(60)))
    }

    @Test func `gives up after the wait and hands places on`() async {
        let gate = Gate(limit: 1, waitersMax: 10)
        #expect(await gate.enter(waitingAtMost: .zero))
        #expect(await !gate.enter(waitingAtMost: .milliseconds(1)))
        async let next = gate.enter(waitingAtMost: .seconds(60))
        while gate.load.waiting == 0 { await Task.yield() }
        gate.leave()
        #expect(await next)
        #expect(gate.load == (1, 0))
        gate.leave()
        #expect(gate.load == (0, 0))
    }

    @Test func `never loses or doubles a place under contention`() async {
        let gate = Gate(limit: 3, waitersMax: 1_000)
        let crowd = Crowd()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<500 {
                group.addTask {
                    let wait: Duration = number.isMultiple(of: 3) ? .microseconds(50) : .seconds(60)
                    guard await gate.enter(waitingAtMost: wait) else { return }
                    #expect(crowd.change(by: 1) <= 3)
                    await Task.yield()
                    crowd.change(by: -1)
                    gate.leave()
                }
            }
        }
        #expect(gate.load == (0, 0))
    }
}
