// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct ArkModelsTests {
    @Test func `a foundation model is served by its entry, else by the entry of its name, else under its full name`()
        throws
    {
        let models = try ArkModels(parsing: " doubao-pro-32k-240615 = Qwen/Qwen3-8B , doubao-lite=small=q4,ep-1=big")
        #expect(models.served(name: "doubao-pro-32k", version: "240615") == "Qwen/Qwen3-8B")
        #expect(models.served(name: "doubao-pro-32k", version: "240828") == "doubao-pro-32k-240828")
        #expect(models.served(name: "doubao-lite", version: "1") == "small=q4")
        #expect(models.served(name: "other", version: nil) == "other" && models.served(name: "o", version: "") == "o")
        #expect(models.served("ep-1") == "big" && models.served("ep-2") == "ep-2")
        #expect(try ArkModels(parsing: models.description) == models && ArkModels().description.isEmpty)
    }

    @Test(arguments: [("a", "\"a\""), ("a=", "\"a=\""), ("=b", "\"=b\""), ("x=1,x=2", "\"x\" twice")])
    func `what is no pair is told`(text: String, words: String) {
        do throws(ArkModelsFault) {
            _ = try ArkModels(parsing: text)
            Issue.record("\(text) was read")
        } catch {
            #expect(error.description.contains(words))
        }
    }

    @Test(arguments: [
        (Int64(0), "19700101000000"), (1_700_000_060, "20231114221420"), (1_709_164_799, "20240228235959"),
        (1_709_164_800, "20240229000000"), (951_782_400, "20000229000000"), (4_107_542_399, "21000228235959"),
        (4_107_542_400, "21000301000000"), (1_798_761_599, "20261231235959"),
    ])
    func `the id of a job tells when it was made, in UTC`(seconds: Int64, digits: String) {
        var generator = SeededGenerator(state: 7)
        let id = BatchID.ark(madeAt: seconds, using: &generator).rawValue
        #expect(id.hasPrefix("bi-\(digits)-") && id.count == 23)
        #expect(id.suffix(5).allSatisfy { $0.isASCII && ($0.isNumber || $0.isLowercase) })
        #expect(id != BatchID.ark(madeAt: seconds, using: &generator).rawValue)
    }
}
