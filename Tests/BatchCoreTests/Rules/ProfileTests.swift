// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct `A profile` {
    @Test func `of Bailian shows in the ids of its files what they are`() {
        let begins: [FileKind: String] = [
            .upload: "file-batch-", .output: "file-batch_output-", .error: "file-batch_error-",
            .provenance: "file-batch_provenance-",
        ]
        for kind in FileKind.allCases {
            let id = Profile.bailian.fileID(kind).rawValue
            #expect(id.hasPrefix(begins[kind] ?? "?") && id.count == (begins[kind]?.count ?? 0) + 32)
            #expect(id != Profile.bailian.fileID(kind).rawValue)
            let plain = Profile.openAI.fileID(kind).rawValue
            #expect(plain.hasPrefix("file-") && plain.count == 37 && !plain.contains("batch"))
        }
    }

    @Test func `of OpenAI leaves the limits as they are`() {
        let limits = Limits()
        #expect(limits.of(.openAI) == limits && limits.of(.openAI, endpoint: Endpoint.test.rawValue) == limits)
        #expect(limits.running(of: .openAI) == RunningLimits() && limits.storage(of: .openAI) == StorageLimits())
    }

    @Test func `of Bailian has the documented limits, tighter ones for the test model`() {
        let limits = Limits().of(.bailian, endpoint: "/v1/chat/completions")
        #expect(limits.fileBytesMax == 500 << 20 && limits.inputBytesMax == 500 << 20)
        #expect(limits.linesMax == 50_000 && limits.lineBytesMax == 6 << 20 && limits.customIDCharactersMax == 256)
        #expect(limits.inputExpiresAfterSeconds == 0 && limits.outputExpiresAfterSeconds == 0)
        #expect(limits.completionWindowSeconds == 86_400...1_209_600)
        let test = Limits().of(.bailian, endpoint: Endpoint.test.rawValue)
        #expect(test.inputBytesMax == 1 << 20 && test.linesMax == 100 && test.fileBytesMax == 500 << 20)
        #expect(Limits().running(of: .bailian) == RunningLimits(all: 1_000, test: 2))
        #expect(Limits().storage(of: .bailian) == StorageLimits(files: 10_000, bytes: 100 << 30))
    }

    @Test func `of Bailian takes the test model's limits as smaller or not at all`() {
        var limits = Limits()
        limits.bailian.linesMax = 0
        #expect(limits.of(.bailian, endpoint: Endpoint.test.rawValue).linesMax == 100)
        limits.bailian.linesMax = 7
        #expect(limits.of(.bailian, endpoint: Endpoint.test.rawValue).linesMax == 7)
        limits.bailian.testLinesMax = 0
        limits.bailian.linesMax = 0
        #expect(limits.of(.bailian, endpoint: Endpoint.test.rawValue).linesMax == 0)
    }
}
