// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A running server as a user sees it: where it is and the key that opens it.
package struct ServerAddress: Sendable {
    /// Without `/v1`.
    package let url: String
    /// The API key.
    package let key: String
    /// TCP port on 127.0.0.1.
    package let port: Int

    /// A server on loopback; throws when `url` has another form.
    package init(url: String, key: String) throws {
        guard let text = url.split(separator: ":").last, let port = Int(text), url.hasPrefix("http://127.0.0.1:") else {
            throw HarnessError("no URL on loopback: '\(url)'")
        }
        (self.url, self.key, self.port) = (url, key, port)
    }

    /// The same server with another project's key.
    package func with(key: String) throws -> ServerAddress { try ServerAddress(url: url, key: key) }

    /// Reads `shardline ready url=URL key=KEY`.
    package init(readyLine: String) throws {
        var fields: [String: String] = [:]
        for part in readyLine.split(separator: " ") {
            let pair = part.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { fields[String(pair[0])] = String(pair[1]) }
        }
        try self.init(url: fields["url"] ?? readyLine, key: fields["key"] ?? "")
    }

    /// Sends a request with the key; `headers` come after the ones every request has and may replace the key.
    package func send(
        _ method: String, _ path: String, headers: [String: String] = [:], body: [UInt8] = []
    ) async throws -> WireAnswer {
        var fields = ["Host": "127.0.0.1:\(port)", "Authorization": "Bearer \(key)", "Connection": "close"]
        if !body.isEmpty || method == "POST" { fields["Content-Length"] = String(body.count) }
        for (name, value) in headers { fields[name] = value }
        let head = fields.sorted { $0.key < $1.key }.filter { !$0.value.isEmpty }.map { "\($0.key): \($0.value)\r\n" }
        return try await Wire.exchange(
            Array("\(method) \(path) HTTP/1.1\r\n\(head.joined())\r\n".utf8) + body, port: port)
    }

    /// GET of a path such as `/v1/batches`.
    package func get(_ path: String) async throws -> WireAnswer { try await send("GET", path) }

    /// POST of a JSON text.
    package func post(_ path: String, json: String) async throws -> WireAnswer {
        try await send("POST", path, headers: ["Content-Type": "application/json"], body: Array(json.utf8))
    }

    /// Uploads bytes as multipart and returns the answer, whatever it is.
    package func upload(_ bytes: [UInt8], purpose: String = "batch") async throws -> WireAnswer {
        let mark = "----shardline-tests"
        var body = Array("--\(mark)\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n\(purpose)\r\n".utf8)
        body += "--\(mark)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"input.jsonl\"\r\n".utf8
        body += Array("Content-Type: application/octet-stream\r\n\r\n".utf8) + bytes + Array("\r\n--\(mark)--\r\n".utf8)
        let type = "multipart/form-data; boundary=\(mark)"
        return try await send("POST", "/v1/files", headers: ["Content-Type": type], body: body)
    }

    /// Uploads a batch file and returns its id.
    package func uploadBatchFile(_ bytes: [UInt8]) async throws -> String {
        try await upload(bytes).decode(Named.self).id
    }

    /// Creates a batch.
    package func createBatch(_ fileID: String, endpoint: String = "/v1/chat/completions") async throws -> BatchView {
        let json = """
            {"input_file_id":"\(fileID)","endpoint":"\(endpoint)","completion_window":"24h"}
            """
        return try await post("/v1/batches", json: json).decode(BatchView.self)
    }

    /// Uploads and creates in one go.
    package func submit(_ bytes: [UInt8], endpoint: String = "/v1/chat/completions") async throws -> BatchView {
        try await createBatch(uploadBatchFile(bytes), endpoint: endpoint)
    }

    /// A batch as it is now.
    package func batch(_ id: String) async throws -> BatchView {
        try await get("/v1/batches/\(id)").decode(BatchView.self)
    }

    /// Waits until the batch fulfils a condition; a terminal batch that does not is an error at once.
    package func batch(
        _ id: String, reaching what: String, within deadline: Duration = .seconds(180), _ condition: (BatchView) -> Bool
    ) async throws -> BatchView {
        try await eventually("batch \(id) \(what)", within: deadline) {
            let batch = try await batch(id)
            if condition(batch) { return batch }
            if batch.isTerminal { throw HarnessError("batch \(id) is \(batch), not \(what)") }
            return nil
        }
    }

    /// Waits for the end of the batch.
    package func end(of id: String, within deadline: Duration = .seconds(180)) async throws -> BatchView {
        try await batch(id, reaching: "terminal", within: deadline) { $0.isTerminal }
    }

    /// The bytes of a file.
    package func content(_ fileID: String) async throws -> [UInt8] {
        let answer = try await get("/v1/files/\(fileID)/content")
        guard answer.status == 200 else { throw HarnessError("file \(fileID): HTTP \(answer.status) \(answer.text)") }
        return answer.body
    }
}

/// Anything with an id.
private struct Named: Decodable {
    let id: String
}
