// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import Amqp

@Suite struct PublishBookTests {
    /// Verdicts by message id: nil for success.
    private final class Heard: Sendable {
        let verdicts = Mutex<[String: AmqpError.Code?]>([:])

        func waiter(_ id: String) -> PublishBook.Waiter {
            { verdict in
                self.verdicts.withLock { verdicts in
                    #expect(verdicts[id] == nil, "two verdicts for \(id)")
                    if case .failure(let error) = verdict {
                        verdicts[id] = .some(error.code)
                    } else {
                        verdicts[id] = .some(nil)
                    }
                }
            }
        }

        func succeeded() -> Set<String> { Set(verdicts.withLock { $0.filter { $0.value == nil }.keys }) }
        func failed(_ code: AmqpError.Code) -> Set<String> {
            Set(verdicts.withLock { $0.filter { $0.value == code }.keys })
        }
    }

    private let heard = Heard()
    private let start = ContinuousClock.now

    private func book(inFlight: Int = 100, waiting: Int = 100) throws -> PublishBook {
        var configuration = AmqpConfiguration(url: try AmqpURL("amqp://h"))
        configuration.inFlightMax = inFlight
        configuration.waitingMax = waiting
        configuration.waitingBytesMax = 10_000
        return PublishBook(configuration, place: "the broker")
    }

    private func add(_ ids: [String], to book: inout PublishBook, key: String = "q", after: Duration = .seconds(1))
        throws
    {
        for id in ids {
            let ticket = book.issueTicket()
            try book.add(message(id, to: key), ticket: ticket, deadline: start + after, waiter: heard.waiter(id))
        }
    }

    private func tell(_ settled: [PublishBook.Settled]?) throws { for one in try #require(settled) { one.tell() } }

    private func takeAll(_ book: inout PublishBook) { while book.take() != nil {} }

    @Test func `a confirm of many settles all up to its tag, a single one only itself`() throws {
        var book = try book()
        try add(["1", "2", "3", "4", "5", "6"], to: &book)
        takeAll(&book)
        try tell(book.confirm(tag: 4, isMultiple: false, isAccepted: true))
        #expect(heard.succeeded() == ["4"])
        try tell(book.confirm(tag: 2, isMultiple: true, isAccepted: true))
        #expect(heard.succeeded() == ["1", "2", "4"])
        try tell(book.confirm(tag: 2, isMultiple: true, isAccepted: false))
        try tell(book.confirm(tag: 5, isMultiple: true, isAccepted: false))
        #expect(heard.failed(.rejected) == ["3", "5"])
        #expect(book.confirm(tag: 7, isMultiple: true, isAccepted: true) == nil)
        #expect(book.confirm(tag: 0, isMultiple: false, isAccepted: true) == nil)
        try tell(book.confirm(tag: 0, isMultiple: true, isAccepted: true))
        #expect(heard.succeeded() == ["1", "2", "4", "6"] && book.isEmpty)
    }

    @Test func `no more are in flight than allowed, and tags begin at one on each connection`() throws {
        var book = try book(inFlight: 2)
        try add(["1", "2", "3", "4"], to: &book)
        takeAll(&book)
        #expect(book.inFlight == 2 && book.waitingCount == 2 && !book.canSend)
        try tell(book.confirm(tag: 1, isMultiple: false, isAccepted: true))
        #expect(book.take()?.messageID == "3" && book.take() == nil)
        let loss = AmqpError(.connectionLost, "lost", isFateUnknown: true)
        try tell(book.connectionEnded(loss: loss, refusal: nil))
        #expect(heard.failed(.connectionLost) == ["2", "3"] && book.inFlight == 0)
        #expect(book.take()?.messageID == "4")
        try tell(book.confirm(tag: 1, isMultiple: false, isAccepted: true))
        #expect(heard.succeeded() == ["1", "4"] && book.inFlightPeak == 2)
    }

    @Test func `a message that came back is unroutable even when it is confirmed or the connection ends`() throws {
        var book = try book()
        try add(["a", "b"], to: &book)
        try add(["c"], to: &book, key: "other")
        takeAll(&book)
        for id in ["b", "c"] {
            let key = id == "c" ? "other" : "q"
            book.returned(.init(exchange: "", routingKey: key, messageID: id, reply: "312 NO_ROUTE"))
        }
        try tell(book.confirm(tag: 2, isMultiple: true, isAccepted: true))
        #expect(heard.succeeded() == ["a"] && heard.failed(.unroutable) == ["b"])
        try tell(book.connectionEnded(loss: AmqpError(.connectionLost, "lost"), refusal: nil))
        #expect(heard.failed(.unroutable) == ["b", "c"])
    }

    @Test func `a message past its limit is given up, but holds its place in flight until it is confirmed`() throws {
        var book = try book(inFlight: 1)
        try add(["sent", "waits"], to: &book, after: .seconds(1))
        try add(["later"], to: &book, after: .seconds(2))
        _ = book.take()
        let reason = { (id: String, wasSent: Bool) in AmqpError(.timedOut, id, isFateUnknown: wasSent) }
        let early = book.expire(at: start, reason: reason)
        #expect(early.settled.isEmpty && early.next == start + .seconds(1) && !early.wasSent)
        let late = book.expire(at: start + .seconds(1), reason: reason)
        try tell(late.settled)
        #expect(late.wasSent && late.next == start + .seconds(2))
        #expect(heard.failed(.timedOut) == ["sent", "waits"])
        #expect(book.inFlight == 1 && book.waitingCount == 1 && book.take() == nil)
        try tell(book.confirm(tag: 1, isMultiple: false, isAccepted: true))
        #expect(book.take()?.messageID == "later" && heard.succeeded() == [])
    }

    @Test func `what waits is bounded in number and in bytes`() throws {
        var book = try book(waiting: 2)
        try add(["1", "2"], to: &book)
        #expect(throws: AmqpError.self) { try add(["3"], to: &book) }
        try tell(book.failWaiting(AmqpError(.unreachable, "away")))
        #expect(book.isEmpty && book.waitingBytes == 0)
        let large = message("large", to: "q", body: [UInt8](repeating: 0, count: 9_990))
        try book.add(large, ticket: book.issueTicket(), deadline: start, waiter: heard.waiter("large"))
        #expect(throws: AmqpError.self) { try add(["4"], to: &book) }
        #expect(book.waitingCount == 1)
    }

    @Test func `a refusal goes to the messages for the exchange it names, the others are unknown`() throws {
        let end = ConnectionEnd("it closed the channel: NOT_FOUND - no exchange 'evil' in vhost '/'", code: 404)
        #expect(end.exchange(among: ["good", "evil"]) == "evil" && end.exchange(among: ["good"]) == nil)
        #expect(ConnectionEnd("closed: 'evil'", code: 320).exchange(among: ["evil"]) == nil)
        var book = try book()
        for (id, exchange) in [("a", "good"), ("b", "evil")] {
            try book.add(
                message(id, to: "q", exchange: exchange), ticket: book.issueTicket(), deadline: start,
                waiter: heard.waiter(id))
        }
        takeAll(&book)
        let loss = AmqpError(.connectionLost, "lost", isFateUnknown: true)
        try tell(book.connectionEnded(loss: loss, refusal: ("evil", AmqpError(.refused, "no"))))
        #expect(heard.failed(.refused) == ["b"] && heard.failed(.connectionLost) == ["a"])
    }
}
