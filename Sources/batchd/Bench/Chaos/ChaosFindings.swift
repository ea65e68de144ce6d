// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What a campaign found wrong, said at once and kept for the report.
final class ChaosFindings: Sendable {
    private let found = Mutex<[String]>([])
    private let context = Mutex("")

    /// Violations that are kept; further ones are counted only.
    private static let keptMax = 200

    /// Sentences, the first ones first.
    var violations: [String] { found.withLock { $0 } }

    /// What the next findings belong to, such as the round and its seed.
    func begin(_ context: String) { self.context.withLock { $0 = context } }

    /// Notes a violation.
    func violation(_ text: String) {
        let sentence = "\(context.withLock { $0 }): \(text)"
        BenchRun.say("VIOLATION \(sentence)")
        found.withLock { if $0.count < Self.keptMax { $0.append(sentence) } }
    }
}
