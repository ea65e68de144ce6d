// SPDX-License-Identifier: Apache-2.0

import Foundation
import PostgresTesting
import ServerTesting
import Testing

extension EndToEndTests {
    /// `batchd access-keys`, and a coordinator that lets its keys in.
    @Suite struct AccessKeyTests {
        @Test func `an access key opens a coordinator, is shown once, kept sealed, and ends when it is revoked`()
            async throws
        {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let sealing = ["--set", "sealing_key=\(Data((0..<32).map { UInt8($0) }).base64EncodedString())"]
                let keyless = try await fleet.batchd(["access-keys", "create", "--project", "tests"])
                #expect(keyless.end != .exited(0) && keyless.errors.contains("sealing_key"))

                let made = try await fleet.batchd(
                    ["access-keys", "create", "--project", "tests", "--name", "ci"] + sealing)
                let match = try #require(made.output.firstMatch(of: /^(AKLT[0-9a-f]{32})\t([A-Za-z0-9_-]{43})\n$/))
                let (id, secret) = (String(match.1), String(match.2))
                let listed = try await fleet.batchd(["access-keys", "list"]).output
                #expect(listed.hasPrefix("\(id)\ttests\tci\t") && listed.hasSuffix("\tnever\tgood\n"))
                let kept = try await fleet.query("select encode(secret, 'escape') || id || name from access_keys")
                #expect(!listed.contains(secret) && !kept.contains(secret))

                let server = try await fleet.coordinator(sealing + ["--set", "api.key_trust=0s"]).server
                func codes() async throws -> Set<String> {
                    let process = try ChildProcess(
                        Products.python(),
                        [Products.script("ark_calls.py"), server.url.replacing("http://", with: ""), id, secret],
                        name: "call", in: scratch)
                    #expect(try await process.end() == .exited(0), "\(process.errors)")
                    return Set(process.output.matches(of: /"Code": "([A-Za-z.]+)"/).map { String($0.1) })
                }
                #expect(try await codes() == ["InvalidActionOrVersion"])
                #expect(try await !fleet.batchd(["access-keys", "list"]).output.contains("never"))
                #expect(try await fleet.batchd(["access-keys", "revoke", id]).output == "revoked 1\n")
                #expect(try await codes() == ["InvalidAccessKey"])
                #expect(try await fleet.batchd(["access-keys", "revoke", "--project", "tests"]).end != .exited(0))
                #expect(try await fleet.batchd(["access-keys", "revoke"]).end == .exited(64))
            }
        }
    }
}
