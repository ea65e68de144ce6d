// SPDX-License-Identifier: Apache-2.0

/// Decides when a transfer has taken too long. Pure: times are given, in nanoseconds of one monotonic clock.
struct TransferClock {
    /// What the clock says at some moment.
    enum Verdict: Equatable {
        /// This limit has run out.
        case expired(CurlError.Code)
        /// Nothing can run out before this moment.
        case runs(until: UInt64)
    }

    /// No deadline: a moment that never comes.
    static let never = UInt64.max
    /// Bodies up to this many bytes fit the socket's buffer: they count as sent once the connection is there.
    static let smallBody: Int64 = 64 << 10

    private let connect: UInt64?
    private let firstByte: UInt64?
    private let idle: UInt64?
    private let totalDeadline: UInt64
    /// Bytes of the request body; nil when unknown.
    private let bodyCount: Int64?

    /// When libcurl got the transfer; nil while it waits in the engine.
    private(set) var startedAt: UInt64?
    private var connectedAt: UInt64?
    private var lastByteAt: UInt64?
    private var sentAt: UInt64?
    private var bytesSent: Int64 = 0
    private var sendProgressAt: UInt64 = 0
    /// Whether the consumer, not the server, is the slow one.
    private(set) var isPaused = false

    /// A transfer submitted at `now`.
    init(_ timeouts: Timeouts, bodyCount: Int64?, now: UInt64) {
        connect = timeouts.connect.map(MonotonicTime.span)
        firstByte = timeouts.firstByte.map(MonotonicTime.span)
        idle = timeouts.idle.map(MonotonicTime.span)
        totalDeadline = timeouts.total.map { Self.after(now, MonotonicTime.span($0)) } ?? Self.never
        self.bodyCount = bodyCount
    }

    /// libcurl got the transfer.
    mutating func start(at now: UInt64) { startedAt = now }

    /// A connection is ready for the request (again, when libcurl retries or follows a redirect).
    mutating func connected(at now: UInt64) {
        connectedAt = now
        sendProgressAt = now
        bytesSent = 0
        lastByteAt = nil
        sentAt = (bodyCount ?? .max) <= Self.smallBody ? now : nil
    }

    /// A new connection is being made although one was ready before (a retry by libcurl, a redirect).
    mutating func reconnecting(at now: UInt64) {
        guard connectedAt != nil else { return }
        connectedAt = nil
        lastByteAt = nil
        startedAt = now
    }

    /// Whether a connection is ready or was used.
    var isConnected: Bool { connectedAt != nil }

    /// Part of the answer came.
    mutating func received(at now: UInt64) { lastByteAt = now }

    /// The consumer stopped taking bytes.
    mutating func pause() { isPaused = true }

    /// The consumer takes bytes again.
    mutating func resume(at now: UInt64) {
        isPaused = false
        lastByteAt = now
    }

    /// Whether `verdict` needs to know how much of the body was sent.
    var watchesSending: Bool { connectedAt != nil && sentAt == nil && lastByteAt == nil }

    /// So much of the body had been sent at `now`.
    mutating func sent(_ count: Int64, at now: UInt64) {
        if count != bytesSent {
            bytesSent = count
            sendProgressAt = now
        }
        if let bodyCount, count >= bodyCount { sentAt = sendProgressAt }
    }

    /// Judges the transfer at `now`.
    func verdict(at now: UInt64) -> Verdict {
        if now >= totalDeadline { return .expired(.timeoutTotal) }
        guard let startedAt else { return .runs(until: totalDeadline) }
        guard let connectedAt else { return judge(.timeoutConnect, since: startedAt, connect, at: now) }
        if let lastByteAt {
            return isPaused ? .runs(until: totalDeadline) : judge(.timeoutIdle, since: lastByteAt, idle, at: now)
        }
        if let sentAt { return judge(.timeoutFirstByte, since: max(sentAt, connectedAt), firstByte, at: now) }
        let verdict = judge(.timeoutIdle, since: sendProgressAt, idle, at: now)
        guard case .runs(let until) = verdict, let shortest = [idle, firstByte].compactMap({ $0 }).min() else {
            return verdict
        }
        return .runs(until: min(until, Self.after(now, max(shortest / 4, 1_000_000))))
    }

    private func judge(_ code: CurlError.Code, since start: UInt64, _ span: UInt64?, at now: UInt64) -> Verdict {
        guard let span else { return .runs(until: totalDeadline) }
        let deadline = Self.after(start, span)
        return now >= deadline ? .expired(code) : .runs(until: min(deadline, totalDeadline))
    }

    private static func after(_ start: UInt64, _ span: UInt64) -> UInt64 {
        let (sum, overflow) = start.addingReportingOverflow(span)
        return overflow ? never : sum
    }
}
