// SPDX-License-Identifier: Apache-2.0
import BatchCore
import HTTPTypes
import Testing

@testable import BatchAPI

private let nobody: @Sendable (Call) async throws -> Answer = { _ in .json(.null) }

private let table = RouteTable([
    .open(.get, "/health", nobody), .open(.get, "/v1/files", nobody), .open(.post, "/v1/files", nobody),
    .open(.get, "/v1/files/{id}", nobody), .open(.get, "/v1/files/{id}/content", nobody),
    .open(.get, "/v1/models/{id...}", nobody),
])

private func describe(_ method: HTTPRequest.Method, _ path: String) -> String {
    switch table.match(method, path: path) {
    case .found(let route, let identifier): "\(route.path) \(identifier ?? "-")"
    case .otherMethods(let methods): methods.joined(separator: ",")
    case .nothing: "nothing"
    }
}

@Suite struct `The table of routes` {
    @Test(arguments: [
        ("/health", "/health -"), ("/v1/files", "/v1/files -"), ("/v1/files/", "/v1/files -"),
        ("/v1/files/file-1", "/v1/files/{id} file-1"), ("/v1/files/file%2D1", "/v1/files/{id} file-1"),
        ("/v1/files/a%2Fb", "/v1/files/{id} a/b"), ("/v1/files/a/content", "/v1/files/{id}/content a"),
        ("/v1/files/a/content/x", "nothing"), ("/v1/files//content", "nothing"), ("/v1//files", "nothing"),
        ("/v1/files/a%00b", "/v1/files/{id} -"), ("/v1/files/%FF", "/v1/files/{id} -"),
        ("/v1/files/%zz", "/v1/files/{id} -"), ("/v1/models/Qwen/Qwen2.5", "/v1/models/{id...} Qwen/Qwen2.5"),
        ("/v1/models/Qwen%2FQwen2.5", "/v1/models/{id...} Qwen/Qwen2.5"), ("/", "nothing"), ("", "nothing"),
        ("health", "nothing"), ("/v1/../health", "nothing"), ("/HEALTH", "nothing"),
    ])
    func `finds paths with names in them`(path: String, expected: String) {
        #expect(describe(.get, path) == expected)
    }

    @Test func `serves HEAD where GET is, and names the methods there are`() {
        #expect(describe(.head, "/v1/files/a/content") == "/v1/files/{id}/content a")
        #expect(describe(.delete, "/v1/files") == "GET,HEAD,POST")
        #expect(describe(.post, "/health") == "GET,HEAD")
        #expect(describe(.delete, "/nowhere") == "nothing")
    }
}

@Suite struct `Query parameters` {
    @Test func `are decoded as forms are`() throws {
        let query = try QueryParameters("a=b%20c+d&e=%E6%96%87&empty=&bare&a=last&x%5By%5D=1")
        #expect(query["a"] == "last" && query["e"] == "文" && query["empty"] == nil && query["bare"] == nil)
        #expect(query["x[y]"] == "1" && query["missing"] == nil)
        #expect(try QueryParameters(nil)["a"] == nil)
    }

    @Test(arguments: ["a=%", "a=%f", "a=%zz", "a=%00", "a=%FF", "%FF=a"])
    func `that are no text are refused`(query: String) {
        #expect(throws: BatchError.self) { try QueryParameters(query) }
    }

    @Test(
        arguments: [
            ("1", nil), ("100", nil), ("0", "integer_below_min_value"), ("-5", "integer_below_min_value"),
            ("101", "integer_above_max_value"), ("ten", "invalid_type"), ("1.5", "invalid_type"),
            ("99999999999999999999", "invalid_type"),
        ] as [(String, String?)])
    func `limit pages`(text: String, code: String?) throws {
        let query = try QueryParameters("limit=\(text)")
        do {
            #expect(try query.integer("limit", in: 1...100, standard: 20) == Int(text))
            #expect(code == nil)
        } catch let error as BatchError {
            #expect(error.code == code && error.param == "limit" && error.status == 400)
        }
        #expect(try QueryParameters("").integer("limit", in: 1...100, standard: 20) == 20)
    }
}
