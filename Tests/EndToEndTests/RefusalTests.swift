// SPDX-License-Identifier: Apache-2.0

import Foundation
import ServerTesting
import Testing

extension EndToEndTests {
    /// Bad input gets one clear error that names the thing and the way out, and harms nothing.
    @Suite struct RefusalTests {
        /// Checks what every error has, and the fields of this one.
        private func expect(
            _ answer: WireAnswer, _ status: Int, code: String?, param: String?, saying words: String...,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
            let refusal = try answer.refusal()
            #expect(refusal.code == code, sourceLocation: sourceLocation)
            #expect(refusal.param == param, sourceLocation: sourceLocation)
            for word in words {
                #expect(refusal.message.contains(word), "\(refusal.message)", sourceLocation: sourceLocation)
            }
            #expect(answer.headers["x-request-id"]?.isEmpty == false, sourceLocation: sourceLocation)
            #expect(
                answer.headers["content-type"]?.hasPrefix("application/json") == true, sourceLocation: sourceLocation)
            // All four keys are there, as null where there is nothing to say.
            for key in ["message", "type", "param", "code"] {
                #expect(answer.text.contains("\"\(key)\":"), sourceLocation: sourceLocation)
            }
        }

        @Test func `keys, ids, routes and methods that are wrong are refused as OpenAI's clients expect`() async throws
        {
            try await withScratch { scratch in
                let server = try await Standalone.start(in: scratch).server
                let wrong = ["Authorization": "Bearer sk-wrong-wrong-wrong-wrong"]
                try expect(
                    await server.send("GET", "/v1/batches", headers: wrong), 401, code: "invalid_api_key", param: nil,
                    saying: "Incorrect API key", "operator")
                try expect(
                    await server.send("GET", "/v1/batches", headers: ["Authorization": ""]), 401,
                    code: "invalid_api_key", param: nil, saying: "Authorization: Bearer")
                try expect(
                    await server.get("/v1/files/file-nothing"), 404, code: nil, param: "id", saying: "file-nothing")
                try expect(
                    await server.get("/v1/files/file-nothing/content"), 404, code: nil, param: "id",
                    saying: "file-nothing")
                try expect(
                    await server.get("/v1/batches/batch_nothing"), 404, code: nil, param: nil, saying: "batch_nothing")
                try expect(
                    await server.send("POST", "/v1/batches/batch_nothing/cancel"), 404, code: nil, param: nil,
                    saying: "batch_nothing")
                #expect(try await server.get("/v1/nothing").refusal().message.contains("/v1/nothing"))
                #expect(try await server.send("DELETE", "/v1/batches").status == 405)
                #expect(try await server.get("/v1/batches?limit=0").refusal().param == "limit")
                #expect(try await server.get("/v1/batches?after=batch_nothing").refusal().param == "after")
            }
        }

        @Test func `uploads that cannot be right are refused, and good ones still work`() async throws {
            try await withScratch { scratch in
                let server = try await Standalone.start(in: scratch).server
                let good = BatchFile(lines: 1).bytes
                try expect(
                    await server.upload(good, purpose: "batch_output"), 400, code: "invalid_value", param: "purpose",
                    saying: "batch_output", "'batch'")
                try expect(await server.upload([]), 400, code: nil, param: "file", saying: "empty")
                let plain = ["Content-Type": "text/plain"]
                try expect(
                    await server.send("POST", "/v1/files", headers: plain, body: good), 400,
                    code: "invalid_content_type", param: nil, saying: "multipart/form-data")
                let noBoundary = ["Content-Type": "multipart/form-data"]
                try expect(
                    await server.send("POST", "/v1/files", headers: noBoundary, body: good), 400,
                    code: "invalid_content_type", param: nil, saying: "boundary")
                let bound = ["Content-Type": "multipart/form-data; boundary=x"]
                let cut = Array("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nabc".utf8)
                try expect(
                    await server.send("POST", "/v1/files", headers: bound, body: cut), 400, code: "invalid_multipart",
                    param: nil)
                let unnamed = Array("--x\r\n\r\nabc\r\n--x--\r\n".utf8)
                try expect(
                    await server.send("POST", "/v1/files", headers: bound, body: unnamed), 400,
                    code: "invalid_multipart", param: nil)
                let noFile = "--x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--x--\r\n"
                try expect(
                    await server.send("POST", "/v1/files", headers: bound, body: Array(noFile.utf8)), 400,
                    code: "missing_required_parameter", param: "file")

                #expect(try await server.upload(good).status == 200)
                #expect(try await server.get("/v1/files").text.contains("\"has_more\":false"))
            }
        }

        @Test func `batches that cannot be right are refused`() async throws {
            try await withScratch { scratch in
                let server = try await Standalone.start(in: scratch).server
                func create(_ json: String) async throws -> WireAnswer {
                    try await server.post("/v1/batches", json: json)
                }
                try expect(await create("{not json"), 400, code: "invalid_json", param: nil, saying: "JSON")
                try expect(
                    await create(#"{"endpoint":"/v1/embeddings","completion_window":"24h"}"#), 400,
                    code: "missing_required_parameter", param: "input_file_id")
                try expect(
                    await create(#"{"input_file_id":"f","endpoint":"/v1/nothing","completion_window":"24h"}"#), 400,
                    code: "invalid_value", param: "endpoint", saying: "/v1/chat/completions")
                let window = #"{"input_file_id":"f","endpoint":"/v1/embeddings","completion_window":"5m"}"#
                #expect(try await create(window).refusal().param == "completion_window")
                let metadata =
                    #"{"input_file_id":"f","endpoint":"/v1/embeddings","completion_window":"24h","metadata":{"a":1}}"#
                try expect(await create(metadata), 400, code: "invalid_type", param: "metadata.a")
            }
        }

        @Test func `a file over the limit is refused, whether its length was announced or not`() async throws {
            try await withScratch { scratch in
                let server = try await Standalone.start(
                    in: scratch, environment: ["SHARDLINE_LIMITS_FILE_BYTES_MAX": "1000000"]
                ).server
                let large = [UInt8](repeating: UInt8(ascii: "x"), count: 1_000_001)
                try expect(
                    await server.upload(large), 413, code: "file_too_large", param: "file", saying: "1000000", "split")
                #expect(try await server.upload(Array(large.dropLast())).status == 200)
                try expect(
                    await server.upload([UInt8](repeating: 10, count: 5_000_000)), 413, code: "file_too_large",
                    param: "file", saying: "1000000")
                #expect(
                    try await server.get("/v1/files").text.components(separatedBy: "\"object\":\"file\"").count == 2)
            }
        }
    }
}
