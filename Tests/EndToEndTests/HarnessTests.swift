// SPDX-License-Identifier: Apache-2.0

import ServerTesting
import Testing

/// The scripted backend and the checker are trusted by all other tests; here they have to earn it.
@Suite struct HarnessTests {
    @Test func `the scripted backend does its steps in order and counts its calls`() async throws {
        try await withScratch { scratch in
            let backend = try await Backend.scripted(in: scratch)
            let server = try ServerAddress(url: backend.baseURL.replacing("/v1", with: ""), key: "k")
            let json = #"{"model":"m","script":{"nonce":"n","steps":["429 retry-after=1","500","ok"]}}"#
            var statuses: [Int] = []
            for _ in 0..<4 { statuses.append(try await server.post("/v1/chat/completions", json: json).status) }
            #expect(statuses == [429, 500, 200, 200])
            #expect(try await backend.stats().calls == 4)
            try await backend.override(step: "503 retry-after=2")
            let answer = try await server.post("/v1/chat/completions", json: json)
            #expect(answer.status == 503 && answer.headers["retry-after"] == "2")
        }
    }
}
