// SPDX-License-Identifier: Apache-2.0

import ServerTesting
import Testing

extension EndToEndTests {
    /// The short form of the kill campaign; `batchd bench chaos` runs the long one.
    @Suite struct ChaosTests {
        @Test func `twenty kills at random cost no line and no recorded result`() async throws {
            let seed = UInt64.random(in: 1...999_999)
            print("chaos: seed \(seed); again with: batchd bench chaos --kills 20 --rounds 1 --seed \(seed)")
            try await withScratch { scratch in
                let campaign = try ChildProcess(
                    Products.program("batchd"),
                    [
                        "bench", "chaos", "--kills", "20", "--rounds", "1", "--lines", "1000", "--seed", "\(seed)",
                        "--dir", scratch.path("chaos"), "--limit", "60s",
                    ],
                    name: "chaos", in: scratch)
                let end = try await campaign.end(within: .seconds(240))
                #expect(end == .exited(0), "seed \(seed)\n\(campaign.errors)\n\(campaign.output)")
                #expect(campaign.output.contains("20 kills in 1 rounds"))
                #expect(campaign.output.contains("violations: 0"))
            }
        }
    }
}
