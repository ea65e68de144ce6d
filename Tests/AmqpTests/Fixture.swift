// SPDX-License-Identifier: Apache-2.0
import Amqp
import BrokerTesting
import Glibc
import Synchronization
import Testing

/// All suites that use a broker are inside this one, one test after another.
@Suite(.serialized) enum BrokerTests {}

/// A publisher with short limits, closed after the body.
func withPublisher<T>(
    _ url: String, _ adjust: (inout AmqpConfiguration) -> Void = { _ in },
    _ body: (AmqpPublisher) async throws -> T
) async throws -> T {
    var configuration = AmqpConfiguration(url: try AmqpURL(url))
    configuration.reconnectPauseFirst = .milliseconds(10)
    configuration.reconnectPauseMax = .milliseconds(200)
    configuration.waitingMax = 100_000
    adjust(&configuration)
    let publisher = try AmqpPublisher(configuration)
    do {
        let result = try await body(publisher)
        await publisher.close(within: .seconds(10))
        return result
    } catch {
        await publisher.close(within: .zero)
        throw error
    }
}

/// A message for a queue through the default exchange.
func message(
    _ id: String, to queue: String, body: [UInt8] = Array("{}".utf8), exchange: String = "", isMandatory: Bool = true
) -> AmqpMessage {
    AmqpMessage(
        exchange: exchange, routingKey: queue, body: body, contentType: "application/json", messageID: id,
        isMandatory: isMandatory)
}

/// A queue name that no other test has.
func freshName(_ stem: String) -> String {
    "\(stem)-\(names.wrappingAdd(1, ordering: .relaxed).newValue)"
}

private let names = Atomic<Int>(0)

/// What `publish` threw; nil when it returned.
func failure(_ publisher: AmqpPublisher, _ message: AmqpMessage) async -> AmqpError? {
    do throws(AmqpError) {
        try await publisher.publish(message)
        return nil
    } catch {
        return error
    }
}

/// A listener whose connections are accepted by the system and never answered.
final class SilentListener: Sendable {
    let port: Int
    private let socket: CInt

    init() throws {
        socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = socket
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, size) == 0 && listen(socket, 16) == 0
                    && getsockname(socket, address, &size) == 0
            }
        }
        try #require(isListening)
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { Glibc.close(socket) }
}
