// SPDX-License-Identifier: Apache-2.0

import Foundation
import ServerTesting
import Testing

extension EndToEndTests {
    /// How each line was run can be read afterwards.
    @Suite struct ProvenanceTests {
        private struct History: Decodable {
            let custom_id: String
            let ordinal: Int
            let result: String
            let status_code: Int?
            let attempts: Int
            let last_error: String?
            let started_at: Double?
            let duration_ms: Int?
            let worker: String?
            let backend: String?
            let usage: Usage

            struct Usage: Decodable {
                let total_tokens: Int
            }
        }

        @Test func `attempts, errors, times, worker and backend of every line are told in input order`() async throws {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let server = try await Standalone.start(in: scratch, backend: backend).server
                var file = BatchFile()
                let steps = [["ok"], ["500", "ok"], ["400"]]
                for index in 0..<90 { file.add(steps: steps[index % 3]) }
                let ended = try await server.end(of: server.submit(file.bytes).id)
                #expect(ended.request_counts == .init(total: 90, completed: 60, failed: 30))

                let path = scratch.path("provenance.jsonl")
                let run = try await Batchctl.run(
                    ["results", ended.id, "--provenance", "-o", path], server: server, in: scratch)
                #expect(run.status == 0, "\(run.errors)")
                let histories = try scratch.read("provenance.jsonl").split(separator: 0x0A).map {
                    try JSONDecoder().decode(History.self, from: Data($0))
                }
                #expect(histories.map(\.ordinal) == Array(0..<90))
                for (index, history) in histories.enumerated() {
                    #expect(history.custom_id == "id-\(index)-ä\u{E9}")
                    #expect(history.result == ["completed", "completed", "failed"][index % 3])
                    #expect(history.status_code == [200, 200, 400][index % 3])
                    #expect(history.attempts == [1, 2, 1][index % 3])
                    if index % 3 == 0 { #expect(history.last_error == nil) }
                    if index % 3 == 1 { #expect(history.last_error?.isEmpty == false) }
                    #expect(history.started_at.map { $0 > 1_700_000_000 } == true)
                    #expect(history.duration_ms.map { $0 >= 0 } == true)
                    #expect(history.worker?.hasPrefix("worker_") == true && history.backend?.isEmpty == false)
                    #expect(history.usage.total_tokens == [8, 8, 0][index % 3])
                }
            }
        }

        @Test func `a server that keeps none says so`() async throws {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let server = try await Standalone.start(
                    in: scratch, backend: backend, arguments: ["--set", "coordinator.provenance=false"]
                ).server
                let ended = try await server.end(of: server.submit(BatchFile(lines: 3).bytes).id)
                #expect(ended.request_counts.completed == 3)
                let run = try await Batchctl.run(
                    ["results", ended.id, "--provenance"], server: server, in: scratch)
                #expect(run.status == 9 && run.errors.contains("coordinator.provenance"), "\(run.errors)")
            }
        }
    }
}
