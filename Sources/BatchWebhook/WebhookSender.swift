// SPDX-License-Identifier: Apache-2.0

package import Curl
internal import Synchronization

/// Who named a receiver, and so how far its URL is trusted.
package enum ReceiverTrust: String, Sendable {
    /// A user of the service: the URL may not lead into the network behind it.
    case tenant
    /// The operator, in the settings.
    case configured
}

/// Posts notices, signed as Standard Webhooks demand. Redirects are failures and never followed.
/// (contracts: webhook delivery and attempt policy)
package struct WebhookSender: Sendable {
    private let engines: [CurlEngine]
    private let turns: Turns
    private let timeout: Duration
    private let tenantRule: AddressRule
    private let configuredRule: AddressRule

    /// Bytes of an answer that are read, so that its connection can be used again; a longer one is cut.
    private static let answerBytesRead = 64 << 10
    /// Longest wait for a connection.
    private static let connectMax = Duration.seconds(10)

    /// A sender.
    ///
    /// - Parameters:
    ///   - engines: at least one; attempts take turns on them.
    ///   - timeout: for the whole attempt, however the receiver spends it.
    ///   - tenantRule: where users' receivers may be.
    ///   - configuredRule: where the operator's receivers may be.
    package init(
        engines: [CurlEngine], timeout: Duration = .seconds(20), tenantRule: AddressRule = .publicOnly(),
        configuredRule: AddressRule = .any
    ) {
        self.engines = engines
        turns = Turns()
        self.timeout = timeout
        self.tenantRule = tenantRule
        self.configuredRule = configuredRule
    }

    /// Whether a user's URL can be a receiver as far as its text tells; names are judged when they are dialled.
    package func mayReach(_ url: String) -> Bool { tenantRule.mayDial(url) }

    /// Sends one attempt and reports; never throws, since whatever happens is a report.
    ///
    /// - Parameters:
    ///   - id: the same on every attempt; contains no `.`.
    ///   - body: the exact bytes signed and sent.
    ///   - headers: further fields, sent after those of the delivery, which they must not repeat.
    ///   - secrets: of the receiver, newest first, one signature each so that they can be changed without a gap; none
    ///     sends no signature.
    ///   - now: Unix seconds, signed and sent; receivers refuse a stale one.
    package func send(
        id: String, body: [UInt8], contentType: String = "application/json", headers: [(String, String)] = [],
        to url: String, secrets: [WebhookSecret], now: Int64, trust: ReceiverTrust
    ) async -> AttemptReport {
        var fields: [(String, String)] = [
            ("Content-Type", contentType), ("webhook-id", id), ("webhook-timestamp", String(now)),
        ]
        if !secrets.isEmpty {
            let signatures = secrets.map { $0.signature(id: id, timestamp: now, body: body) }
            fields.append(("webhook-signature", signatures.joined(separator: " ")))
        }
        let request = HTTPRequest(
            method: "POST", url: url, headers: HTTPHeaders(fields + headers), body: SharedBytes(body),
            timeouts: Timeouts(
                connect: min(Self.connectMax, timeout), firstByte: timeout, idle: timeout, total: timeout),
            responseBytesMax: Self.answerBytesRead, addressRule: trust == .tenant ? tenantRule : configuredRule,
            keepsPartialAnswer: true)
        let start = ContinuousClock.now
        do throws(CurlError) {
            let response = try await engines[turns.next(of: engines.count)].perform(request)
            return AttemptReport(response, latency: ContinuousClock.now - start, now: now)
        } catch {
            return AttemptReport(error, latency: ContinuousClock.now - start)
        }
    }

    /// Whose turn it is.
    private final class Turns: Sendable {
        private let count = Atomic<UInt>(0)

        func next(of engines: Int) -> Int {
            Int(count.wrappingAdd(1, ordering: .relaxed).oldValue % UInt(engines))
        }
    }
}
