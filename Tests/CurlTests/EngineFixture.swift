// SPDX-License-Identifier: Apache-2.0
import Curl
import Foundation
import Testing

/// Settings every test program runs under: the environment a client must not listen to.
enum HostileEnvironment {
    /// Proxies that refuse every connection, and a home with a netrc file for the loopback host.
    static let installed: Bool = {
        for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            setenv(name, "http://127.0.0.1:1", 1)
        }
        unsetenv("no_proxy")
        let home = FileManager.default.temporaryDirectory.appending(path: "curl-tests-\(getpid())")
        do {
            try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
            try Data("machine 127.0.0.1 login someone password secret\n".utf8).write(to: home.appending(path: ".netrc"))
        } catch {
            return false
        }
        setenv("HOME", home.path, 1)
        return true
    }()
}

/// Runs `body` with an engine that is shut down afterwards.
func withEngine(
    _ configuration: EngineConfiguration = EngineConfiguration(), _ body: (CurlEngine) async throws -> Void
) async throws {
    #expect(HostileEnvironment.installed)
    let engine = CurlEngine(configuration)
    do {
        try await body(engine)
    } catch {
        await engine.shutdown()
        throw error
    }
    await engine.shutdown()
}

/// The error `body` ends in; a failed expectation when it does not.
func failure(
    sourceLocation: SourceLocation = #_sourceLocation, of body: () async throws(CurlError) -> HTTPResponse
) async throws -> CurlError {
    do throws(CurlError) {
        let response = try await body()
        Issue.record("got status \(response.status) instead of an error", sourceLocation: sourceLocation)
        throw CurlError(.other(-1), "no error")
    } catch {
        return error
    }
}

/// Bytes without pattern that every run repeats; contains every value, NUL included.
func noise(_ count: Int) -> [UInt8] {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state)
    }
}

/// A file that removes itself.
final class TemporaryFile: Sendable {
    /// Where it is.
    let path: String

    /// A file with these bytes, extended to `length` by a hole.
    init(_ bytes: [UInt8] = [], length: UInt64? = nil) throws {
        path = FileManager.default.temporaryDirectory.appending(path: "curl-\(UUID().uuidString)").path
        try Data(bytes).write(to: URL(filePath: path))
        guard let length else { return }
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.truncate(atOffset: length)
        try handle.close()
    }

    deinit { unlink(path) }
}
