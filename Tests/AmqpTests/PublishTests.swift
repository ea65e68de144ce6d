// SPDX-License-Identifier: Apache-2.0
import Amqp
import BrokerTesting
import Testing

extension BrokerTests {
    @Suite(.timeLimit(.minutes(3))) struct PublishTests {
        private let broker: PrivateBroker

        init() throws { broker = try PrivateBroker.shared() }

        private func queue(_ stem: String, _ arguments: [String: BrokerClient.Argument] = [:]) throws -> String {
            let name = freshName(stem)
            try broker.client().declareQueue(name, arguments: arguments)
            return name
        }

        @Test func `a confirmed message is in the queue as it was published`() async throws {
            let (queue, exchange) = (try queue("properties"), freshName("events"))
            let client = try broker.client()
            try client.declareExchange(exchange, type: "topic")
            try client.bind(queue: queue, exchange: exchange, routingKey: "batch.*")
            let body = Array(#"{"specversion":"1.0","id":"evt_ü"}"#.utf8) + [0, 255]
            try await withPublisher(broker.url) { publisher in
                try await publisher.publish(
                    AmqpMessage(
                        exchange: exchange, routingKey: "batch.completed", body: body,
                        contentType: "application/cloudevents+json", messageID: "evt_1",
                        headers: ["tenant": "größe", "empty": ""]))
            }
            #expect(
                try broker.client().takeAll(from: queue) == [
                    ReceivedMessage(
                        exchange: exchange, routingKey: "batch.completed", body: body,
                        contentType: "application/cloudevents+json", messageID: "evt_1", deliveryMode: 2,
                        headers: ["tenant": "größe", "empty": ""])
                ])
        }

        @Test func `an empty body and a large one arrive whole`() async throws {
            let queue = try queue("sizes")
            let large = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try await withPublisher(broker.url) { publisher in
                try await publisher.publish(message("empty", to: queue, body: []))
                try await publisher.publish(message("large", to: queue, body: large))
            }
            let bodies = try broker.client().takeAll(from: queue).map(\.body)
            #expect(bodies == [[], large])
        }

        @Test func `many concurrent publishes share one connection and stay within the bound in flight`() async throws {
            let queue = try queue("pipeline")
            let status = try await withPublisher(broker.url, { $0.inFlightMax = 8 }) { publisher in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<3000 {
                        group.addTask { try await publisher.publish(message("m\(number)", to: queue)) }
                    }
                    try await group.waitForAll()
                }
                return publisher.status
            }
            #expect(status.connections == 1)
            #expect(status.inFlightPeak == 8)
            #expect(status.inFlight == 0 && status.waiting == 0)
            let ids = try broker.client().takeAll(from: queue).compactMap(\.messageID)
            #expect(ids.count == 3000)
            #expect(Set(ids) == Set((0..<3000).map { "m\($0)" }))
        }

        @Test func `a mandatory message that no queue is bound for is an error, and only that one`() async throws {
            let queue = try queue("bound")
            try await withPublisher(broker.url) { publisher in
                let errors = await withTaskGroup(of: (Int, AmqpError?).self) { group in
                    for number in 0..<200 {
                        let target = number % 3 == 0 ? "nobody-\(number)" : queue
                        group.addTask { (number, await failure(publisher, message("m\(number)", to: target))) }
                    }
                    return await group.reduce(into: [Int: AmqpError?]()) { $0[$1.0] = $1.1 }
                }
                for (number, error) in errors {
                    #expect(error?.code == (number % 3 == 0 ? .unroutable : nil))
                }
                let text = try #require(errors[3] ?? nil).description
                #expect(text.contains("no queue is bound to the default exchange for routing key 'nobody-3'"))
                try await publisher.publish(message("dropped", to: "nobody", isMandatory: false))
                #expect(publisher.status.connections == 1)
            }
            let ids = try broker.client().takeAll(from: queue).compactMap(\.messageID)
            #expect(Set(ids) == Set((0..<200).filter { $0 % 3 != 0 }.map { "m\($0)" }))
        }

        @Test func `a full queue that rejects is an error, and what it took is confirmed`() async throws {
            let queue = try queue("full", ["x-max-length": .number(1), "x-overflow": .text("reject-publish")])
            try await withPublisher(broker.url) { publisher in
                try await publisher.publish(message("first", to: queue))
                let error = try #require(await failure(publisher, message("second", to: queue)))
                #expect(error.code == .rejected && !error.isFateUnknown && error.isRetryable)
                _ = try broker.client().take(from: queue)
                try await publisher.publish(message("third", to: queue))
            }
        }

        @Test func `an unknown exchange is an error that names it, and the publisher works on`() async throws {
            let queue = try queue("after")
            try await withPublisher(broker.url) { publisher in
                let error = try #require(await failure(publisher, message("m", to: "k", exchange: "missing-exchange")))
                #expect(error.code == .refused && !error.isFateUnknown)
                #expect(error.description.contains("missing-exchange"))
                try await publisher.publish(message("m", to: queue))
            }
        }

        @Test func `a wrong password and an unknown vhost are clear errors without the password`() async throws {
            let wrong = broker.url(user: PrivateBroker.user, encodedPassword: "s3cr3t%21", vhost: "%2F")
            try await withPublisher(wrong) { publisher in
                let error = try #require(await failure(publisher, message("m", to: "q")))
                #expect(error.code == .refused && error.isRetryable)
                #expect(error.description.contains("logging in as user 'shardline'"))
                #expect(error.description.contains("ACCESS_REFUSED"))
                #expect(!error.description.contains("s3cr3t") && publisher.status.lastFailure == error.message)
            }
            let elsewhere = broker.url.replacing("/%2F", with: "/no%20such")
            try await withPublisher(elsewhere) { publisher in
                let error = try #require(await failure(publisher, message("m", to: "q")))
                #expect(error.code == .refused)
                #expect(error.description.contains("vhost 'no such'") && error.description.contains("NOT_ALLOWED"))
                #expect(!error.description.contains(PrivateBroker.password))
            }
        }

        @Test func `closing waits for what was taken, then nothing more is taken`() async throws {
            let queue = try queue("closing")
            let publisher = try AmqpPublisher(AmqpConfiguration(url: AmqpURL(broker.url)))
            let published = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<500 {
                    group.addTask { await failure(publisher, message("m\(number)", to: queue)) == nil }
                }
                // Some are in by now, some come too late: each knows which.
                _ = await group.next()
                await publisher.close(within: .seconds(30))
                return await group.reduce(into: 1) { $0 += $1 ? 1 : 0 }
            }
            #expect(try broker.client().takeAll(from: queue).count == published)
            let error = try #require(await failure(publisher, message("late", to: queue)))
            #expect(error.code == .closed && !error.isRetryable && !error.isFateUnknown)
            #expect(!publisher.status.isConnected)
            await publisher.close(within: .seconds(30))
        }

        @Test func `what does not fit the protocol or the limits is refused before it is sent`() async throws {
            try await withPublisher(broker.url, { $0.bodyBytesMax = 10 }) { publisher in
                let long = String(repeating: "k", count: 256)
                let bad = [
                    message("m", to: long), message(long, to: "q"), message("", to: "q"),
                    message("m", to: "q", exchange: long),
                    message("m", to: "q", body: [UInt8](repeating: 0, count: 11)),
                    AmqpMessage(
                        exchange: "", routingKey: "q", body: [], contentType: "", messageID: "m", headers: ["": "x"]),
                    AmqpMessage(
                        exchange: "", routingKey: "q", body: [], contentType: "", messageID: "m",
                        headers: ["x": String(repeating: "v", count: AmqpMessage.headerBytesMax)]),
                ]
                for message in bad { #expect(await failure(publisher, message)?.code == .invalidMessage) }
                #expect(publisher.status.connections == 0)
            }
        }
    }
}
