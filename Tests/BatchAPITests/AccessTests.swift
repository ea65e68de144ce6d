// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Testing

@testable import BatchAPI

@Suite struct `Access` {
    @Test func `to every guarded route needs one good key`() async throws {
        let desk = try await RunningDesk.start { $0.keyTrust = .zero }
        try await desk.addKey("sk-revoked-key-000000", to: desk.project)
        let records = try await desk.store.listAPIKeys()
        let revoked = try #require(records.first { $0.prefix == "sk-revo" })
        #expect(try await desk.store.revokeAPIKey(keyID: revoked.keyID))
        let good = "Authorization: Bearer \(desk.key)"
        let attempts: [(String, [String])] = [
            ("none", []), ("empty", ["Authorization: "]), ("scheme", ["Authorization: Basic \(desk.key)"]),
            ("bare", ["Authorization: \(desk.key)"]), ("wrong", ["Authorization: Bearer \(desk.key)x"]),
            ("revoked", ["Authorization: Bearer sk-revoked-key-000000"]), ("twice", [good, good]),
            ("other header", ["api-key: \(desk.key)"]),
        ]
        for route in desk.server.routes {
            let path = route.path.replacing(/\{.*\}/, with: "x")
            for (name, headers) in attempts {
                let answer = try await desk.send(
                    route.method, "\(path)?api_key=\(desk.key)", headers: headers, key: .none)
                switch route.needs {
                case .apiKey:
                    #expect(answer.status == 401 && answer.isProperError, "\(route.method) \(path) with \(name)")
                    #expect(answer["www-authenticate"] == "Bearer" && answer["x-should-retry"] == "false")
                case .signature:
                    #expect(answer.status == 400, "\(route.method) \(path) with \(name)")
                    #expect(answer.bodyText.contains(#""Code":"InvalidAuthorization""#))
                case .nothing:
                    #expect(answer.status == 200, "\(route.method) \(path) with \(name)")
                }
            }
            let admitted = try await desk.send(
                route.method, path, headers: ["authorization: bearer \(desk.key)"], key: .none)
            #expect(admitted.status != 401, "\(route.method) \(path)")
        }
        #expect(desk.server.routes.filter { $0.needs == .nothing }.map(\.path).sorted() == ["/health", "/ready"])
        #expect(Set(desk.server.routes.filter { $0.needs == .signature }.map(\.path)) == ["/"])
        #expect(!desk.log.all.joined(separator: "\n").contains(desk.key))
        try await desk.stop()
    }

    @Test func `ends at the border of the project`() async throws {
        let desk = try await RunningDesk.start()
        let theirs = "sk-theirs-0123456789abc"
        try await desk.addKey(theirs, to: try await desk.store.ensureProject(name: "theirs"))
        let file = try await desk.upload(Array("{}".utf8))
        let body = #"{"input_file_id":"\#(file)","endpoint":"/v1/embeddings","completion_window":"24h"}"#
        let batch = try #require(try await desk.send("POST", "/v1/batches", body: Array(body.utf8)).text("id"))
        for (method, path) in [
            ("GET", "/v1/files/\(file)"), ("DELETE", "/v1/files/\(file)"), ("GET", "/v1/files/\(file)/content"),
            ("HEAD", "/v1/files/\(file)/content"), ("GET", "/v1/batches/\(batch)"),
            ("POST", "/v1/batches/\(batch)/cancel"),
        ] {
            let foreign = try await desk.send(method, path, key: .of(theirs))
            #expect(foreign.status == 404, "\(method) \(path)")
            // The words are those for ids that never existed.
            let unknown = try await desk.send(
                method, path.replacing(file, with: "file-0").replacing(batch, with: "batch_0"), key: .of(theirs))
            let words = foreign.bodyText.replacing(file, with: "file-0").replacing(batch, with: "batch_0")
            #expect(words == unknown.bodyText)
        }
        for path in ["/v1/files?after=\(file)", "/v1/batches?after=\(batch)"] {
            #expect(try await desk.send("GET", path, key: .of(theirs)).status == 400)
        }
        for path in ["/v1/files", "/v1/batches"] {
            let list = try await desk.send("GET", path, key: .of(theirs))
            #expect((list.object["data"] as? [Any])?.isEmpty == true && list.bodyText.contains(#""first_id":null"#))
        }
        #expect(try await desk.send("GET", "/v1/files/\(file)").status == 200)
        try await desk.stop()
    }
}
