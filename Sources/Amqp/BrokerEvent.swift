// SPDX-License-Identifier: Apache-2.0

/// What a broker says by itself on a publisher's connection.
enum BrokerEvent: Equatable {
    /// A message, or all up to the tag, was taken (ack) or not (nack).
    case confirmed(tag: UInt64, isMultiple: Bool, isAccepted: Bool)
    /// No queue is bound for a mandatory message.
    case returned(PublishBook.Return)
    /// The broker reads nothing more from publishers, for example because memory or disk is short; its words.
    case blocked(String)
    /// It reads again.
    case unblocked
}
