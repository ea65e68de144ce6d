// SPDX-License-Identifier: Apache-2.0
import Amqp
import BrokerTesting
import Testing

extension BrokerTests {
    @Suite(.timeLimit(.minutes(5))) struct FaultTests {
        @Test func `confirmed messages survive a restart, and the publisher finds the broker again`() async throws {
            let broker = try PrivateBroker()
            try broker.client().declareQueue("kept")
            try await withPublisher(broker.url) { publisher in
                for number in 0..<50 { try await publisher.publish(message("m\(number)", to: "kept")) }
                try broker.stop()
                let clock = ContinuousClock()
                for _ in 0..<3 {
                    var error: AmqpError?
                    let time = await clock.measure { error = await failure(publisher, message("down", to: "kept")) }
                    #expect(error?.code == .unreachable || error?.code == .connectionLost)
                    #expect(error?.isRetryable == true)
                    // Refused at once, not after a limit of ten seconds and more.
                    #expect(time < .seconds(5))
                }
                try broker.restart()
                try await untilPublished(publisher, message("back", to: "kept"))
                #expect(publisher.status.connections == 2)
            }
            let received = try broker.client().takeAll(from: "kept")
            #expect(received.compactMap(\.messageID) == (0..<50).map { "m\($0)" } + ["back"])
            #expect(received.allSatisfy { $0.deliveryMode == 2 })
        }

        @Test func `a crash in the middle of a stream loses no confirmed message`() async throws {
            let broker = try PrivateBroker()
            try broker.client().declareQueue("stream")
            let stream = MessageStream(queue: "stream", total: 6000)
            try await withPublisher(broker.url, { $0.inFlightMax = 64 }) { publisher in
                let (crashTimes, crashes) = AsyncStream.makeStream(of: Void.self)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for lane in 0..<MessageStream.lanes {
                        group.addTask {
                            try await stream.publish(lane, with: publisher) { confirmed in
                                if confirmed % 2000 == 500 { crashes.yield() }
                            }
                        }
                    }
                    group.addTask {
                        for await _ in crashTimes.prefix(2) { try await stream.crash(broker) }
                    }
                    // The first error ends all: without a broker the lanes would go on for ever.
                    while try await group.next() != nil {}
                }
                #expect(publisher.status.connections >= 3)
            }
            let received = try broker.client().takeAll(from: "stream").compactMap(\.messageID)
            let counts = received.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
            // Every message was published until it was confirmed, so none may be missing.
            #expect(stream.ids.filter { counts[$0] == nil } == [])
            let repeated = Set(counts.filter { $0.value > 1 }.keys)
            #expect(repeated.isSubset(of: stream.unknown))
            #expect(!stream.unknown.isEmpty)
        }

        @Test func `what was sent to a frozen broker is unknown, and it serves again after it thaws`()
            async throws
        {
            let broker = try PrivateBroker()
            try broker.client().declareQueue("frozen")
            // So large that the socket's buffers fill and the thread is stuck in a send when the limit comes.
            let large = [UInt8](repeating: 7, count: 4_000_000)
            try await withPublisher(broker.url, { $0.publishTimeout = .seconds(2) }) { publisher in
                try await publisher.publish(message("before", to: "frozen"))
                try broker.freeze()
                let errors = await withTaskGroup(of: AmqpError?.self) { group in
                    for number in 0..<8 {
                        group.addTask { await failure(publisher, message("m\(number)", to: "frozen", body: large)) }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                try broker.thaw()
                #expect(errors.count == 8)
                #expect(errors.allSatisfy { $0?.code == .timedOut || $0?.code == .connectionLost })
                #expect(errors.contains { $0?.isFateUnknown == true })
                #expect(errors.contains { $0?.description.contains("within 2.0 seconds") == true })
                try await untilPublished(publisher, message("after", to: "frozen"))
            }
            let ids = try broker.client().takeAll(from: "frozen").compactMap(\.messageID)
            #expect(ids.first == "before" && ids.contains("after"))
        }

        @Test func `a broker that blocks publishers is named as the reason when the limit comes`() async throws {
            let broker = try PrivateBroker(settings: ["vm_memory_high_watermark.absolute = 1MB"])
            try broker.client().declareQueue("blocked")
            try await withPublisher(broker.url, { $0.publishTimeout = .seconds(3) }) { publisher in
                let errors = await withTaskGroup(of: AmqpError?.self) { group in
                    for number in 0..<400 {
                        group.addTask { await failure(publisher, message("m\(number)", to: "blocked")) }
                    }
                    return await group.reduce(into: []) { $0.append($1) }.compactMap(\.self)
                }
                #expect(errors.contains { $0.code == .timedOut && $0.description.contains("blocks publishers: ") })
                #expect(errors.allSatisfy { [.timedOut, .connectionLost, .unreachable].contains($0.code) })
            }
        }

        @Test func `TLS is used with the right authority and name only`() async throws {
            let broker = try PrivateBroker(isEncrypted: true)
            try broker.client().declareQueue("encrypted")
            try await withPublisher(broker.encryptedURL()) { publisher in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<300 {
                        let body = [UInt8](repeating: 1, count: number * 100)
                        group.addTask {
                            try await publisher.publish(message("m\(number)", to: "encrypted", body: body))
                        }
                    }
                    try await group.waitForAll()
                }
            }
            #expect(try broker.client().takeAll(from: "encrypted").count == 300)
            for url in [broker.encryptedURL(isTrusted: false), broker.encryptedURL(host: "127.0.0.1")] {
                try await withPublisher(url) { publisher in
                    let error = try #require(await failure(publisher, message("m", to: "encrypted")))
                    #expect(error.code == .unreachable && error.description.contains("SSL"))
                }
            }
        }

        /// Publishes again until it is confirmed; the test's time limit ends it.
        private func untilPublished(_ publisher: AmqpPublisher, _ message: AmqpMessage) async throws {
            while let error = await failure(publisher, message) {
                try Task.checkCancellation()
                try #require(error.isRetryable)
            }
        }
    }
}
