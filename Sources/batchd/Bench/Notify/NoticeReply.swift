// SPDX-License-Identifier: Apache-2.0

/// What a receiver of notices does with one.
enum NoticeReply: String, CaseIterable, Hashable, Sendable {
    /// Takes it: 204.
    case takes
    /// 307 to somewhere else.
    case redirects
    /// 429 with `Retry-After: 1`.
    case throttles
    /// 500.
    case fails
    /// Bytes that are no HTTP.
    case babbles
    /// Nothing, ever.
    case keepsSilent
    /// A good answer, one byte per second.
    case drips
    /// Resets the connection.
    case dies
    /// Holds the answer until the sender is killed.
    case killsSender
    /// Takes it, and kills the sender before that can record it.
    case takesAndKillsSender

    /// Whether it counts as taken once it has been sent.
    var takesIt: Bool { self == .takes || self == .takesAndKillsSender }
    /// Whether the sender learns that it failed.
    var isFailure: Bool { !takesIt && self != .killsSender }

    /// What is sent at once; empty for nothing.
    var answer: [UInt8] {
        switch self {
        case .takes, .takesAndKillsSender: Self.good
        case .redirects:
            Self.head("307 Temporary Redirect", "Location: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n")
        case .throttles: Self.head("429 Too Many Requests", "Retry-After: 1\r\nContent-Length: 0\r\n")
        case .fails: Self.head("500 Internal Server Error", "Content-Length: 5\r\n") + Array("oops\n".utf8)
        case .babbles: Array("\u{1}\u{2}SSH-2.0-what?\r\nHTTP/9.9 2oo\r\n\r\n".utf8)
        case .keepsSilent, .drips, .dies, .killsSender: []
        }
    }

    /// A good answer.
    static let good = head("204 No Content", "")

    private static func head(_ status: String, _ fields: String) -> [UInt8] {
        Array("HTTP/1.1 \(status)\r\n\(fields)\r\n".utf8)
    }
}

/// What a receiver does with one notice after the other, as a seed says; nobody is refused three times in a row.
struct ReplyChooser: Sendable {
    private var random: SeededNumbers
    private var failures: [String: Int] = [:]

    /// So many refusals of one receiver follow each other at most: its pauses grow with them.
    private static let failuresMax = 2
    /// How often each reply is chosen, in percent.
    private static let weights: [(NoticeReply, Int)] = [
        (.takes, 42), (.killsSender, 13), (.takesAndKillsSender, 13), (.fails, 7), (.throttles, 5), (.redirects, 5),
        (.babbles, 5), (.dies, 4), (.keepsSilent, 3), (.drips, 3),
    ]

    /// The choices of `seed`.
    init(seed: UInt64) { random = SeededNumbers(seed: seed) }

    /// The next reply of the receiver at `path`.
    mutating func next(for path: String) -> NoticeReply {
        var left = random.index(below: Self.weights.reduce(0) { $0 + $1.1 })
        var chosen = NoticeReply.takes
        for (reply, weight) in Self.weights {
            chosen = reply
            if left < weight { break }
            left -= weight
        }
        if chosen.isFailure {
            failures[path, default: 0] += 1
            if failures[path, default: 0] > Self.failuresMax { chosen = .takes }
        }
        if chosen.takesIt { failures[path] = 0 }
        return chosen
    }
}
