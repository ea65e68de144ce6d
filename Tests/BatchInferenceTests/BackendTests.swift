// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Testing

struct ModelPatternTests {
    @Test func `patterns are one name, a prefix, or all`() throws {
        #expect(ModelPattern("qwen") == .exact("qwen"))
        #expect(ModelPattern("qwen-*") == .prefix("qwen-"))
        #expect(ModelPattern("*") == .any)
        for text in ["qwen", "qwen-*", "*"] { #expect(try #require(ModelPattern(text)).description == text) }
    }

    @Test(arguments: ["", "a*b", "**", "*a"]) func `a star stands only at the end`(text: String) {
        #expect(ModelPattern(text) == nil)
    }

    @Test func `a pattern matches whole names byte by byte`() {
        #expect(ModelPattern.exact("a").matches("a"))
        #expect(!ModelPattern.exact("a").matches("ab"))
        #expect(!ModelPattern.exact("a").matches("A"))
        #expect(ModelPattern.prefix("a-").matches("a-"))
        #expect(ModelPattern.prefix("a-").matches("a-b"))
        #expect(!ModelPattern.prefix("a-").matches("a"))
        #expect(ModelPattern.any.matches(""))
    }
}

struct BackendURLTests {
    @Test(arguments: [
        ("http://host:8000", "http://host:8000/v1/embeddings"),
        ("http://host:8000/", "http://host:8000/v1/embeddings"),
        ("http://host:8000/v1", "http://host:8000/v1/embeddings"),
        ("http://host:8000/v1/", "http://host:8000/v1/embeddings"),
        ("http://host:8000/v1//", "http://host:8000/v1/embeddings"),
        ("https://host/api/v3", "https://host/api/v3/embeddings"),
        ("https://host/compatible-mode/v1", "https://host/compatible-mode/v1/embeddings"),
        ("https://host/vendor", "https://host/vendor/v1/embeddings"),
        ("HTTP://Host", "HTTP://Host/v1/embeddings"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/embeddings"),
    ]) func `a base with or without its version leads to the same place`(base: String, url: String) {
        #expect(BackendURL(base: base)?.joined(with: "/v1/embeddings") == url)
    }

    @Test func `a path without a version is appended to the base without its own`() {
        #expect(BackendURL(base: "http://host/v1")?.joined(with: "/health") == "http://host/health")
    }

    @Test(arguments: [
        "", "host:8000", "ftp://host", "http://", "http:///v1", "http://:80", "http://h/?q=1", "http://h#f",
        "http://h /v1",
    ])
    func `what is no base URL is refused`(base: String) {
        #expect(BackendURL(base: base) == nil)
    }
}

struct BackendSetTests {
    private func backend(_ name: String, _ models: ModelPattern..., concurrency: Int = 1) -> BackendConfiguration {
        BackendConfiguration(
            name: name, baseURL: "http://127.0.0.1:9/v1", models: models, concurrency: concurrency)
    }

    @Test func `the first backend that matches decides, and its equals share the lines`() throws {
        let set = try BackendSet(
            [
                backend("a", .prefix("qwen-")), backend("b", .any), backend("c", .prefix("qwen-")),
                backend("d", .exact("qwen-max")),
            ], version: "1")
        let route = try #require(set.route(model: "qwen-max", endpoint: "/v1/embeddings"))
        let places = (0..<3).map { _ in route.reserve(at: .now) }
        #expect(places.map { $0 != nil } == [true, true, false])
        #expect(set.backends.map(\.inFlight) == [1, 0, 1, 0])
        #expect(!route.hasRoom(at: .now))
        places.first??.cancel()
        #expect(route.hasRoom(at: .now))
    }

    @Test func `lines go to equal backends in turn`() throws {
        let set = try BackendSet(
            [backend("a", .any, concurrency: 100), backend("b", .any, concurrency: 100)], version: "1")
        let route = try #require(set.route(model: "m", endpoint: "/v1/embeddings"))
        for _ in 0..<10 { _ = route.reserve(at: .now) }
        #expect(set.backends.map(\.inFlight) == [5, 5])
    }

    @Test func `a model nobody serves has no route`() throws {
        let set = try BackendSet([backend("a", .exact("m"))], version: "1")
        #expect(set.serves(model: "m"))
        #expect(!set.serves(model: "n"))
        #expect(set.route(model: "n", endpoint: "/v1/embeddings") == nil)
    }

    @Test func `the test model is always there and always has room`() throws {
        let set = try BackendSet([], version: "1")
        #expect(set.serves(model: "batch-test-model"))
        let route = try #require(set.route(model: "batch-test-model", endpoint: "/v1/chat/ds-test"))
        for _ in 0..<1_000 { #expect(route.reserve(at: .now) != nil) }
        #expect(set.route(model: "batch-test-model", endpoint: "/v1/embeddings") == nil)
    }

    @Test func `every problem of a configuration is named with its backend`() throws {
        var broken = backend("b")
        broken.baseURL = "host"
        broken.concurrency = 0
        broken.apiKey = "a\r\nb"
        let error = #expect(throws: InvalidBackend.self) {
            _ = try BackendSet([broken, backend("b", .any)], version: "1")
        }
        let problems = try #require(error).problems
        #expect(problems.count == 5)
        #expect(problems.allSatisfy { $0.hasPrefix("backend b: ") })
        #expect(!String(describing: try #require(error)).contains("a\r\nb"))
    }

    @Test func `models written out in full are listed once each`() throws {
        let set = try BackendSet(
            [backend("a", .exact("m"), .exact("k"), .any), backend("b", .exact("m"))], version: "1")
        #expect(set.namedModels == ["batch-test-model", "k", "m"])
    }
}
