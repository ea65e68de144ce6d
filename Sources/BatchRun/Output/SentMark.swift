// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Says, beside the place where results for a URL are staged, that a run's results were sent: the staged ones are gone
/// by then, and without it the same command with --resume would call every line again.
///
/// The fingerprint of the run, then a line with the counts. Blocks.
struct SentMark: Sendable {
    /// Where it is.
    let path: String

    private static let word = "sent"

    /// Leaves word of a finished run; on the disk when this returns.
    func write(_ fingerprint: Fingerprint, succeeded: Int, failed: Int) throws(RunError) {
        let file = try OpenFile(path, flags: O_RDWR | O_CREAT | O_TRUNC)
        try file.write(fingerprint.head + Array("\(Self.word) \(succeeded) \(failed)\n".utf8))
        try file.sync()
    }

    /// The counts of the run with this fingerprint; nil when its results were not sent.
    func read(_ fingerprint: Fingerprint) throws(RunError) -> (succeeded: Int, failed: Int)? {
        guard access(path, F_OK) == 0 else { return nil }
        let file = try OpenFile(path, flags: O_RDONLY, verb: "read")
        let head = fingerprint.head
        let bytes = try file.bytes(at: 0, length: Int(min(try file.length(), Int64(head.count + Self.countsBytesMax))))
        guard bytes.starts(with: head), bytes.last == UInt8(ascii: "\n") else { return nil }
        let words = String(decoding: bytes[head.count...].dropLast(), as: UTF8.self).split(separator: " ")
        guard words.count == 3, words[0] == Self.word, let succeeded = Int(words[1]), let failed = Int(words[2])
        else { return nil }
        return (succeeded, failed)
    }

    /// Takes it away: a run with this output begins.
    func remove() { unlink(path) }

    private static let countsBytesMax = 64
}
