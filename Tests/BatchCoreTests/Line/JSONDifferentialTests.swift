// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct JSONDifferentialTests {
    @Test(.enabled(if: JSONOracle.python != nil, "python3 is the independent parser"))
    func `scanner and an independent parser agree on 120,000 texts and their fields`() throws {
        let seed: UInt64 = 82_599_446_744
        var generator = JSONTextGenerator(seed: seed)
        let texts = (0..<120_000).map { _ in generator.next() }
        let expected = try JSONOracle.summaries(of: texts)
        try #require(expected.count == texts.count)
        var accepted = 0
        var differences: [String] = []
        for (text, wanted) in zip(texts, expected) {
            let found = JSONOracle.summary(of: text)
            if found != "0" { accepted += 1 }
            if found != wanted, differences.count < 5 {
                differences.append("\(String(decoding: text, as: UTF8.self)) \(text): \(found), but python: \(wanted)")
            }
        }
        #expect(differences.isEmpty, "seed \(seed)")
        // Both verdicts have to be common, or the comparison would say little.
        #expect(accepted > 30_000 && accepted < 100_000, "seed \(seed), accepted \(accepted)")
        print("JSON differential: seed \(seed), \(texts.count) texts, \(accepted) accepted")
    }
}
