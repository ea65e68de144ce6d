// SPDX-License-Identifier: Apache-2.0
import Amqp
import Testing

@Suite(.timeLimit(.minutes(1))) struct DeadlineTests {
    private func url(_ port: Int) -> String { "amqp://u:s3cr3t@127.0.0.1:\(port)/" }

    @Test func `a broker that accepts and never answers fails the publish at the limit for connecting`() async throws {
        let listener = try SilentListener()
        try await withPublisher(url(listener.port), { $0.connectTimeout = .milliseconds(300) }) { publisher in
            let error = try #require(await failure(publisher, message("m", to: "q")))
            #expect(error.code == .unreachable && !error.isFateUnknown)
            #expect(error.description.contains("127.0.0.1:\(listener.port)"))
            #expect(error.description.contains("did not answer") && !error.description.contains("s3cr3t"))
        }
    }

    @Test func `the limit for publishing holds while the thread is stuck in connecting`() async throws {
        let listener = try SilentListener()
        try await withPublisher(url(listener.port), { $0.publishTimeout = .milliseconds(200) }) { publisher in
            let error = try #require(await failure(publisher, message("m", to: "q")))
            #expect(error.code == .timedOut && !error.isFateUnknown)
            #expect(publisher.status.waiting == 0)
            await publisher.close(within: .milliseconds(10))
        }
    }

    @Test func `an encrypted connection to a broker that never answers ends at the limit, too`() async throws {
        let listener = try SilentListener()
        let url = "amqps://u:p@127.0.0.1:\(listener.port)/"
        try await withPublisher(url, { $0.connectTimeout = .milliseconds(300) }) { publisher in
            #expect(await failure(publisher, message("m", to: "q"))?.code == .unreachable)
        }
    }

    @Test func `more than may wait is refused at once`() async throws {
        let listener = try SilentListener()
        try await withPublisher(url(listener.port), { $0.waitingMax = 3 }) { publisher in
            let codes = await withTaskGroup(of: AmqpError.Code?.self) { group in
                for number in 0..<10 {
                    group.addTask { await failure(publisher, message("m\(number)", to: "q"))?.code }
                }
                var codes: [AmqpError.Code?] = []
                for _ in 0..<7 { codes.append(await group.next() ?? nil) }
                await publisher.close(within: .zero)
                for await code in group { codes.append(code) }
                return codes
            }
            #expect(codes == Array(repeating: .overloaded, count: 7) + Array(repeating: .closed, count: 3))
        }
    }

    @Test func `a cancelled task stops waiting`() async throws {
        let listener = try SilentListener()
        try await withPublisher(url(listener.port)) { publisher in
            let task = Task { await failure(publisher, message("m", to: "q")) }
            while publisher.status.waiting == 0 { await Task.yield() }
            task.cancel()
            #expect(await task.value?.code == .cancelled)
            #expect(publisher.status.waiting == 0)
            await publisher.close(within: .zero)
        }
    }

    @Test func `nobody listening is an error at once, and during the pause too`() async throws {
        let port = try SilentListener().port
        try await withPublisher(url(port), { $0.reconnectPauseFirst = .seconds(3600) }) { publisher in
            for _ in 0..<3 {
                let error = try #require(await failure(publisher, message("m", to: "q")))
                #expect(error.code == .unreachable && error.description.contains("nothing accepts connections"))
            }
        }
        try await withPublisher("amqp://nobody.invalid/") { publisher in
            let error = try #require(await failure(publisher, message("m", to: "q")))
            #expect(error.code == .unreachable && error.description.contains("nobody.invalid:5672"))
        }
    }

    @Test func `limits that make no sense are refused`() throws {
        var configuration = AmqpConfiguration(url: try AmqpURL("amqp://localhost"))
        configuration.inFlightMax = 0
        #expect(throws: AmqpError.self) { try AmqpPublisher(configuration) }
        configuration.inFlightMax = 1
        configuration.heartbeat = .milliseconds(10)
        #expect(throws: AmqpError.self) { try AmqpPublisher(configuration) }
        configuration.heartbeat = .seconds(1)
        configuration.publishTimeout = .zero
        #expect(throws: AmqpError.self) { try AmqpPublisher(configuration) }
    }
}
