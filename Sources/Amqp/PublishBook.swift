// SPDX-License-Identifier: Apache-2.0

/// What became of one publish.
typealias Verdict = Result<Void, AmqpError>

/// Every publish that has no verdict yet: first it waits, then it is in flight on the present connection under a
/// delivery tag, then a confirm, a return, a deadline or the end of the connection settles it. Pure state: whoever
/// calls tells the settled ones after leaving the lock.
struct PublishBook {
    /// Hears the verdict, once.
    typealias Waiter = @Sendable (Verdict) -> Void

    /// A verdict and who has to hear it.
    struct Settled {
        let waiter: Waiter
        let verdict: Verdict

        /// Tells it.
        func tell() { waiter(verdict) }
    }

    /// A message that the broker gave back.
    struct Return: Equatable {
        let exchange: String
        let routingKey: String
        let messageID: String
        /// The broker's reply, for example `312 NO_ROUTE`.
        let reply: String
    }

    private struct Entry {
        /// Nil once sent: the bytes are not needed any more.
        var message: AmqpMessage?
        let exchange: String
        let routingKey: String
        let messageID: String
        let isMandatory: Bool
        let deadline: ContinuousClock.Instant
        /// Nil when settled while in flight: then it only waits for its confirm to free its place.
        var waiter: Waiter?
        var returned: AmqpError?
    }

    private let inFlightMax: Int
    private let waitingMax: Int
    private let waitingBytesMax: Int
    /// `the AMQP broker at host:port`, for the errors.
    private let place: String

    private var entries: [UInt64: Entry] = [:]
    private var nextTicket: UInt64 = 0
    /// No ticket below this one can expire any more.
    private var expiryCursor: UInt64 = 0
    /// Tickets in the order of sending; those of settled entries are skipped.
    private var waiting = TicketLine()
    /// Tickets of this connection in the order of their tags; those of confirmed entries are skipped.
    private var sent = TicketLine()
    /// Delivery tag of the first in `sent`; tags count from 1 on each channel.
    private var firstTag: UInt64 = 1

    /// Messages that wait to be sent.
    private(set) var waitingCount = 0
    /// Their bytes.
    private(set) var waitingBytes = 0
    /// Messages sent and not confirmed, whether or not somebody still waits for them.
    private(set) var inFlight = 0
    /// The most there ever were.
    private(set) var inFlightPeak = 0

    init(_ configuration: AmqpConfiguration, place: String) {
        inFlightMax = configuration.inFlightMax
        waitingMax = configuration.waitingMax
        waitingBytesMax = configuration.waitingBytesMax
        self.place = place
    }

    /// Whether nobody waits for anything.
    var isEmpty: Bool { waitingCount == 0 && inFlight == 0 }
    /// Whether a message waits and may be sent.
    var canSend: Bool { waitingCount > 0 && inFlight < inFlightMax }

    /// A number for a publish about to be added.
    mutating func issueTicket() -> UInt64 {
        defer { nextTicket += 1 }
        return nextTicket
    }

    /// Puts a message at the end of those that wait. Throws `overloaded` when too many do.
    mutating func add(
        _ message: AmqpMessage, ticket: UInt64, deadline: ContinuousClock.Instant, waiter: @escaping Waiter
    ) throws(AmqpError) {
        guard waitingCount < waitingMax, waitingBytes + message.bytes <= waitingBytesMax || waitingCount == 0 else {
            throw AmqpError(
                .overloaded,
                "\(waitingCount) messages of \(waitingBytes) bytes already wait for \(place): it takes them slower "
                    + "than they come; publish later, or raise waitingMax or waitingBytesMax")
        }
        entries[ticket] = Entry(
            message: message, exchange: message.exchange, routingKey: message.routingKey,
            messageID: message.messageID, isMandatory: message.isMandatory, deadline: deadline, waiter: waiter)
        expiryCursor = min(expiryCursor, ticket)
        waiting.append(ticket)
        waitingCount += 1
        waitingBytes += message.bytes
    }

    /// The next message to send, from now on in flight under the connection's next tag; nil when there is none or as
    /// many as allowed are in flight.
    mutating func take() -> AmqpMessage? {
        guard inFlight < inFlightMax else { return nil }
        while let ticket = waiting.popFirst() {
            guard let message = entries[ticket]?.message else { continue }
            entries[ticket]?.message = nil
            waitingCount -= 1
            waitingBytes -= message.bytes
            sent.append(ticket)
            inFlight += 1
            inFlightPeak = max(inFlightPeak, inFlight)
            return message
        }
        return nil
    }

    /// The broker gave a message back, which it does before it confirms it. Of several with the same id it is the
    /// oldest: they are the same message.
    mutating func returned(_ message: Return) {
        for ticket in sent {
            guard let entry = entries[ticket], entry.isMandatory, entry.returned == nil,
                entry.messageID == message.messageID, entry.exchange == message.exchange,
                entry.routingKey == message.routingKey
            else { continue }
            let exchange = message.exchange.isEmpty ? "the default exchange" : "exchange '\(message.exchange)'"
            entries[ticket]?.returned = AmqpError(
                .unroutable,
                "\(place) gave message \(message.messageID) back: no queue is bound to \(exchange) for routing key "
                    + "'\(message.routingKey)' (\(message.reply)); bind one")
            return
        }
    }

    /// The broker has settled a tag, or with `isMultiple` all up to it (tag 0: all). Nil when the tag was never given.
    mutating func confirm(tag: UInt64, isMultiple: Bool, isAccepted: Bool) -> [Settled]? {
        let end = firstTag + UInt64(sent.count)
        guard tag < end, tag > 0 || isMultiple else { return nil }
        let last = tag == 0 ? end - 1 : tag
        var settled: [Settled] = []
        // Tags below the first one are confirmed already.
        for current in isMultiple ? firstTag..<(max(last + 1, firstTag)) : last..<(last + 1) where current >= firstTag {
            let ticket = sent[Int(current - firstTag)]
            guard let entry = entries.removeValue(forKey: ticket) else { continue }
            inFlight -= 1
            guard let waiter = entry.waiter else { continue }
            settled.append(Settled(waiter: waiter, verdict: verdict(on: entry, isAccepted: isAccepted)))
        }
        while let ticket = sent.first, entries[ticket] == nil {
            _ = sent.popFirst()
            firstTag += 1
        }
        return settled
    }

    private func verdict(on entry: Entry, isAccepted: Bool) -> Verdict {
        if let returned = entry.returned { return .failure(returned) }
        if isAccepted { return .success(()) }
        return .failure(
            AmqpError(
                .rejected,
                "\(place) did not take message \(entry.messageID) for exchange '\(entry.exchange)', routing key "
                    + "'\(entry.routingKey)' (nack): a queue may be full, or have failed; its log may say more"))
    }

    /// The connection has ended: everything in flight is settled, with `refusal` when the broker named the message's
    /// exchange in it, else with `loss`. What waits goes on waiting.
    mutating func connectionEnded(loss: AmqpError, refusal: (exchange: String, error: AmqpError)?) -> [Settled] {
        var settled: [Settled] = []
        for ticket in sent {
            guard let entry = entries.removeValue(forKey: ticket), let waiter = entry.waiter else { continue }
            let isRefused = refusal.map { $0.exchange == entry.exchange } ?? false
            let error = isRefused ? refusal?.error ?? loss : loss
            settled.append(Settled(waiter: waiter, verdict: .failure(entry.returned ?? error)))
        }
        sent = TicketLine()
        firstTag = 1
        inFlight = 0
        return settled
    }

    /// Names of the exchanges of what is in flight.
    var exchangesInFlight: Set<String> { Set(sent.compactMap { entries[$0]?.exchange }) }

    /// Everything that waits fails.
    mutating func failWaiting(_ error: AmqpError) -> [Settled] {
        var settled: [Settled] = []
        while let ticket = waiting.popFirst() {
            // Those in flight are not in this line any more.
            guard let waiter = entries.removeValue(forKey: ticket)?.waiter else { continue }
            settled.append(Settled(waiter: waiter, verdict: .failure(error)))
        }
        waitingCount = 0
        waitingBytes = 0
        return settled
    }

    /// Nobody waits for this one any more; `reason` says why and whether it was sent.
    mutating func giveUp(_ ticket: UInt64, reason: (_ messageID: String, _ wasSent: Bool) -> AmqpError) -> Settled? {
        guard let entry = entries[ticket], let waiter = entry.waiter else { return nil }
        let error = reason(entry.messageID, entry.message == nil)
        if let message = entry.message {
            entries[ticket] = nil
            waitingCount -= 1
            waitingBytes -= message.bytes
            // Otherwise the line of a blocked broker would grow with every publish that times out.
            while let first = waiting.first, entries[first] == nil { _ = waiting.popFirst() }
        } else {
            entries[ticket]?.waiter = nil
        }
        return Settled(waiter: waiter, verdict: .failure(error))
    }

    /// Gives up what has passed its deadline; deadlines come in the order of the tickets, or nearly so. `wasSent` is
    /// true when one of them had been sent.
    mutating func expire(
        at now: ContinuousClock.Instant, reason: (_ messageID: String, _ wasSent: Bool) -> AmqpError
    ) -> (settled: [Settled], wasSent: Bool, next: ContinuousClock.Instant?) {
        var settled: [Settled] = []
        var anySent = false
        while expiryCursor < nextTicket {
            if let entry = entries[expiryCursor], entry.waiter != nil {
                guard entry.deadline <= now else { return (settled, anySent, entry.deadline) }
                anySent = anySent || entry.message == nil
                if let one = giveUp(expiryCursor, reason: reason) { settled.append(one) }
            }
            expiryCursor += 1
        }
        return (settled, anySent, nil)
    }
}
