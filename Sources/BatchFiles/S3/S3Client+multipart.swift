// SPDX-License-Identifier: Apache-2.0

internal import Crypto
package import Curl

/// A part that the store has.
package struct S3Part: Hashable, Sendable {
    /// 1…10,000.
    package var number: Int
    /// Size in bytes.
    package var bytes: Int64
    /// Entity tag without quotes.
    package var entityTag: String

    /// A part.
    package init(number: Int, bytes: Int64, entityTag: String) {
        self.number = number
        self.bytes = bytes
        self.entityTag = entityTag
    }
}

/// An upload in parts that was begun and neither completed nor aborted.
package struct S3PendingUpload: Hashable, Sendable {
    /// Key that the object will have.
    package var key: String
    /// The store's name for the upload.
    package var id: String
    /// Unix seconds of its beginning by the store's clock; 0 when it did not say.
    package var startedAt: Int64
}

extension S3Client {
    /// Most parts of an upload.
    package static let partsMax = 10_000

    /// Begins an upload in parts: nobody sees anything of it before it is completed. A try whose answer was lost leaves
    /// an upload without parts; ``forEachUpload(prefix:_:)`` finds it.
    ///
    /// - Returns: the store's name for it.
    package func createUpload(_ key: String) async throws -> String {
        let call = Call(
            method: "POST", operation: "begin to write", key: key, query: [(name: "uploads", value: "")],
            body: SharedBytes([]))
        let root = try document(call, try await send(call), root: "InitiateMultipartUploadResult")
        guard let id = root["UploadId"], !id.isEmpty else { throw fault(call, .damaged("the answer has no UploadId")) }
        return id
    }

    /// Sends a part; sent again it replaces itself.
    ///
    /// - Parameter number: 1…10,000; gives the order.
    package func uploadPart(_ key: String, upload: String, number: Int, _ bytes: SharedBytes) async throws -> S3Part {
        let query = [(name: "partNumber", value: String(number)), (name: "uploadId", value: upload)]
        let call = Call(
            method: "PUT", operation: "write part \(number) of", key: key, query: query, body: bytes)
        return S3Part(number: number, bytes: Int64(bytes.count), entityTag: try await store(call))
    }

    /// Makes an object of the parts: all of it or nothing.
    ///
    /// - Parameter parts: in order of their numbers.
    package func completeUpload(_ key: String, upload: String, _ parts: [S3Part]) async throws {
        let listed = parts.map {
            "<Part><PartNumber>\($0.number)</PartNumber><ETag>\"\($0.entityTag)\"</ETag></Part>"
        }
        let text =
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(listed.joined())"
            + "</CompleteMultipartUpload>"
        let call = Call(
            method: "POST", operation: "finish writing", key: key, query: [(name: "uploadId", value: upload)],
            headers: [(name: "Content-Type", value: "application/xml")], body: SharedBytes(Array(text.utf8)))
        do {
            // The store says 200 before it knows how it will end. (contracts: operations needed)
            let response = try await send(call) { response in
                let error = refusal(call, 500, response.headers, response.body)
                if !error.code.isEmpty { throw error }
            }
            _ = try document(call, response, root: "CompleteMultipartUploadResult")
        } catch let error as S3Error {
            // The answer to an earlier try may have been lost, and the upload is over because it succeeded.
            guard !Task.isCancelled, await isComplete(key, parts) else { throw error }
        }
    }

    /// Gives an upload up and its parts free; one that is gone is no error.
    package func abortUpload(_ key: String, upload: String) async throws {
        let query = [(name: "uploadId", value: upload)]
        do {
            _ = try await send(Call(method: "DELETE", operation: "give up writing", key: key, query: query))
        } catch let error as S3Error where error.status == 404 && error.code != "NoSuchBucket" {
            // Completed, aborted, or never begun.
        }
    }

    /// The parts that the store has of an upload, in order.
    package func listParts(_ key: String, upload: String) async throws -> [S3Part] {
        var parts: [S3Part] = []
        while true {
            var query = [(name: "uploadId", value: upload)]
            if let last = parts.last { query.append((name: "part-number-marker", value: String(last.number))) }
            let call = Call(method: "GET", operation: "list the parts of", key: key, query: query)
            let root = try document(call, try await send(call), root: "ListPartsResult")
            let page = root.all("Part").compactMap { part -> S3Part? in
                guard let number = part["PartNumber"].flatMap({ Int($0) }),
                    let bytes = part["Size"].flatMap({ Int64($0) })
                else { return nil }
                return S3Part(number: number, bytes: bytes, entityTag: S3Answer.entityTag(part["ETag"]))
            }
            parts += page
            guard root["IsTruncated"] == "true" else { return parts }
            guard !page.isEmpty, parts.count <= Self.partsMax else {
                throw fault(call, .damaged("the list of parts does not end"))
            }
        }
    }

    /// Whether the object of these parts is there.
    private func isComplete(_ key: String, _ parts: [S3Part]) async -> Bool {
        guard let object = try? await head(key), object.bytes == parts.reduce(0, { $0 + $1.bytes }) else {
            return false
        }
        // Without a tag made of the parts' MD5s an older object of the same size could be taken for this one.
        return object.entityTag.lowercased() == Self.entityTag(of: parts)
    }

    /// MD5 of the parts' MD5s, a hyphen, and how many there are; nil when a part's tag is no MD5.
    static func entityTag(of parts: [S3Part]) -> String? {
        var hash = Insecure.MD5()
        for part in parts {
            let digits = Array(part.entityTag.utf8)
            guard digits.count == 32 else { return nil }
            for index in stride(from: 0, to: 32, by: 2) {
                guard let byte = UInt8(String(decoding: digits[index..<(index + 2)], as: UTF8.self), radix: 16) else {
                    return nil
                }
                hash.update(data: [byte])
            }
        }
        return S3Encoding.hexadecimal(Array(hash.finalize())) + "-\(parts.count)"
    }

    /// The document in an answer.
    func document(_ call: Call, _ response: HTTPResponse, root name: String) throws -> XMLElement {
        do {
            let root = try XMLElement(parsing: response.body)
            guard root.name == name else {
                throw fault(call, .damaged("the answer is <\(root.name.prefix(60))> instead of <\(name)>"))
            }
            return root
        } catch let problem as XMLProblem {
            throw fault(call, .damaged("the answer is no XML of a store: \(problem.text)"))
        }
    }
}
