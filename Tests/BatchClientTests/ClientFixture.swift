// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Curl
import Foundation
import HTTPTesting
import Synchronization

/// A scripted server, a client of it whose waits take no time, and what happened.
final class ClientFixture: Sendable {
    /// The server.
    let server: ScriptedServer
    /// Its client.
    let client: Client
    /// Every request the server read, in order.
    let requests: Requests
    /// Every wait the client asked for, in order.
    let waits: Waits

    /// Answers request number n (from 1) as `script` says.
    init(
        apiKey: String? = "sk-test", patience: Patience = Patience(),
        _ script: @escaping @Sendable (Int, ScriptedRequest, ScriptedConnection) throws -> Void
    ) throws {
        let requests = Requests()
        let waits = Waits()
        server = try ScriptedServer { request, connection in
            try script(requests.add(request), request, connection)
        }
        client = Client(
            address: try ServerAddress(server.url("")), apiKey: apiKey,
            engine: CurlEngine(EngineConfiguration(userAgent: "test")), patience: patience,
            sleep: { duration in
                waits.add(duration)
                try Task.checkCancellation()
            })
        self.requests = requests
        self.waits = waits
    }

    /// The requests a server read.
    final class Requests: Sendable {
        private let list = Mutex<[ScriptedRequest]>([])

        /// Keeps a request and gives its number, from 1.
        func add(_ request: ScriptedRequest) -> Int {
            list.withLock { list in
                list.append(request)
                return list.count
            }
        }

        /// All of them.
        var all: [ScriptedRequest] { list.withLock { $0 } }
        /// Method and target of each.
        var lines: [String] { all.map { "\($0.method) \($0.target)" } }
    }

    /// The waits a client asked for.
    final class Waits: Sendable {
        private let list = Mutex<[Duration]>([])

        /// Keeps a wait.
        func add(_ duration: Duration) { list.withLock { $0.append(duration) } }

        /// All of them.
        var all: [Duration] { list.withLock { $0 } }
    }
}

/// A directory that is gone with its last reference.
final class TemporaryDirectory: Sendable {
    /// Where it is.
    let path: String

    /// A fresh empty directory.
    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of `name` in it.
    func path(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and gives its path.
    func file(_ name: String, _ content: [UInt8]) -> String {
        _ = FileManager.default.createFile(atPath: path(name), contents: Data(content))
        return path(name)
    }

    /// The content of a file; nil when there is none.
    func content(_ name: String) -> [UInt8]? { FileManager.default.contents(atPath: path(name)).map { [UInt8]($0) } }

    /// The names of the files in it, sorted.
    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}

/// A Batch object as text.
func batchJSON(_ id: String = "batch_1", status: String = "in_progress") -> String {
    #"{"id":"\#(id)","object":"batch","endpoint":"/v1/embeddings","status":"\#(status)","created_at":1,"#
        + #""request_counts":{"total":3,"completed":1,"failed":1},"metadata":{"ds_name":"n"},"novel":[1.50]}"#
}

/// A FileObject as text.
func fileJSON(_ id: String = "file-1", bytes: Int = 3) -> String {
    #"{"id":"\#(id)","object":"file","bytes":\#(bytes),"created_at":1,"filename":"a.jsonl","purpose":"batch"}"#
}

/// An error body as text.
func errorJSON(_ message: String, code: String = "null") -> String {
    #"{"error":{"message":"\#(message)","type":"invalid_request_error","param":"p","code":\#(code)}}"#
}
