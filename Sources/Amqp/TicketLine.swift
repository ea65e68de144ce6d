// SPDX-License-Identifier: Apache-2.0

/// Tickets first in, first out, in one array that is moved up now and then.
struct TicketLine: Sequence {
    private var tickets: [UInt64] = []
    private var head = 0

    /// How many there are.
    var count: Int { tickets.count - head }
    /// The oldest.
    var first: UInt64? { head < tickets.count ? tickets[head] : nil }

    /// The one at `position`, counted from the oldest.
    subscript(position: Int) -> UInt64 { tickets[head + position] }

    /// Adds the youngest.
    mutating func append(_ ticket: UInt64) { tickets.append(ticket) }

    /// Takes the oldest.
    mutating func popFirst() -> UInt64? {
        guard let first else { return nil }
        head += 1
        if head >= 512, head * 2 >= tickets.count {
            tickets.removeFirst(head)
            head = 0
        }
        return first
    }

    /// From the oldest to the youngest.
    func makeIterator() -> ArraySlice<UInt64>.Iterator { tickets[head...].makeIterator() }
}
