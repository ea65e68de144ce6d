// SPDX-License-Identifier: Apache-2.0
import HTTPTesting
import Testing

@testable import BatchClient

struct PagesTests {
    private func list(_ ids: [String], hasMore: Bool) -> String {
        #"{"object":"list","has_more":\#(hasMore),"data":[\#(ids.map { batchJSON($0) }.joined(separator: " , "))]}"#
    }

    private func follow(_ fixture: ClientFixture, limit: Int?) async throws -> (ids: [String], hasMore: Bool) {
        var ids: [String] = []
        let hasMore = try await Client.followPages(
            limit: limit, pageMax: 2, id: { (batch: WireBatch) in batch.id },
            fetch: { try await fixture.client.batches(after: $0, limit: $1) },
            visit: { answers in ids += answers.map(\.value.id) })
        return (ids, hasMore)
    }

    @Test func `pages are followed by the id of their last element`() async throws {
        let fixture = try ClientFixture { number, _, connection in
            let pages = [(["a", "b"], true), (["c&d", "e"], true), (["f"], false)]
            try connection.respond(text: list(pages[number - 1].0, hasMore: pages[number - 1].1))
        }
        let result = try await follow(fixture, limit: nil)
        #expect(result.ids == ["a", "b", "c&d", "e", "f"])
        #expect(!result.hasMore)
        #expect(
            fixture.requests.lines == [
                "GET /v1/batches?limit=2", "GET /v1/batches?after=b&limit=2", "GET /v1/batches?after=e&limit=2",
            ])
    }

    @Test func `a limit ends the walk and tells whether there is more`() async throws {
        let fixture = try ClientFixture { number, request, connection in
            let ids = number == 1 ? ["a", "b"] : ["c"]
            try connection.respond(text: list(ids, hasMore: true))
        }
        let result = try await follow(fixture, limit: 3)
        #expect(result.ids == ["a", "b", "c"])
        #expect(result.hasMore)
        #expect(fixture.requests.lines.last == "GET /v1/batches?after=b&limit=1")
    }

    @Test func `a server that ignores the cursor is not asked for ever`() async throws {
        let fixture = try ClientFixture { _, _, connection in
            try connection.respond(text: list(["a", "b"], hasMore: true))
        }
        let result = try await follow(fixture, limit: nil)
        #expect(fixture.requests.all.count == 2)
        #expect(result.hasMore)
    }

    @Test func `elements keep the bytes the server sent`() throws {
        let parts = try ListScanner.parts(
            of: Array(#"{"data": [ {"a":1.50} ,2],"x":{"data":[3]},"has_more":true}"#.utf8))
        #expect(parts.elements.map { String(decoding: $0, as: UTF8.self) } == [#"{"a":1.50}"#, "2"])
        #expect(parts.hasMore)
        #expect(try ListScanner.parts(of: Array("{}".utf8)) == ListScanner.Parts())
        #expect(throws: (any Error).self) { try ListScanner.parts(of: Array("[".utf8)) }
    }
}
