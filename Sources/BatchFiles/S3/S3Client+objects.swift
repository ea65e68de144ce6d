// SPDX-License-Identifier: Apache-2.0

internal import Crypto
package import Curl
internal import Foundation

/// An object as the store knows it.
package struct S3Object: Hashable, Sendable {
    /// Key, unencoded.
    package var key: String
    /// Size in bytes.
    package var bytes: Int64
    /// Entity tag without quotes: MD5 of the bytes, or of the parts' MD5s with a hyphen and their number, or anything.
    package var entityTag: String
    /// Unix seconds of its last change by the store's clock; 0 when it did not say. Of a multipart upload some stores
    /// tell the beginning.
    package var changedAt: Int64

    /// An object.
    package init(key: String, bytes: Int64, entityTag: String, changedAt: Int64) {
        self.key = key
        self.bytes = bytes
        self.entityTag = entityTag
        self.changedAt = changedAt
    }

    /// Whether it was uploaded in parts.
    var isMultipart: Bool { entityTag.contains("-") }
}

extension S3Client {
    /// Writes an object in one request: all of it or nothing, at most 5 GB.
    ///
    /// - Returns: its entity tag.
    @discardableResult
    package func put(_ key: String, _ bytes: SharedBytes) async throws -> String {
        try await store(Call(method: "PUT", operation: "write", key: key, body: bytes))
    }

    /// What the store knows about an object.
    package func head(_ key: String) async throws -> S3Object {
        let call = Call(method: "HEAD", operation: "examine", key: key)
        let headers = try await send(call).headers
        guard let bytes = headers.first("Content-Length").flatMap({ Int64($0) }) else {
            throw fault(call, .damaged("the store does not tell the size"))
        }
        return S3Object(
            key: key, bytes: bytes, entityTag: S3Answer.entityTag(headers.first("ETag")),
            changedAt: Self.date(headers.first("Last-Modified")))
    }

    /// Removes an object; removing one that is gone is no error.
    package func delete(_ key: String) async throws {
        do {
            _ = try await send(Call(method: "DELETE", operation: "delete", key: key))
        } catch let error as S3Error where error.isMissingObject {
            // Stores differ in whether they say so.
        }
    }

    /// Makes the bucket; one that is there already and ours is no error.
    package func createBucket() async throws {
        do {
            _ = try await send(Call(method: "PUT", operation: "create", key: "", body: SharedBytes([])))
        } catch let error as S3Error where error.code == "BucketAlreadyOwnedByYou" {
            // An earlier try succeeded.
        }
    }

    /// Opens an object, whole or a range of it; the bytes come as they are asked for, over as many connections as it
    /// takes. They are all of one version of the object.
    ///
    /// - Parameter range: ends at most at the object's end.
    package func get(_ key: String, range: Range<Int64>? = nil) async throws -> ObjectDownload {
        let source = ObjectDownload.Source(
            operation: "read", place: place(key), attemptsMax: configuration.retries.attemptsMax
        ) { [self] range, tag in
            var call = Call(method: "GET", operation: "read", key: key)
            if let range { call.headers.append((name: "Range", value: range)) }
            if let tag { call.headers.append((name: "If-Match", value: tag)) }
            return try await open(call)
        }
        return try await ObjectDownload.open(source, range: range)
    }

    /// Proves that the store lets these keys read in the bucket, by asking for an object under `prefix` that is not
    /// there.
    ///
    /// - Throws: ``S3Error``, also where the keys may not tell a missing object from a forbidden one.
    package func probe(prefix: String) async throws {
        do {
            _ = try await get("\(prefix)probe-\(BlobKey.fresh())")
        } catch let error as S3Error where error.isMissingObject {
            // As it should be.
        }
    }

    /// Sends a body with its MD5, and checks that the store has the same.
    func store(_ call: Call) async throws -> String {
        var call = call
        let hash = call.body?.withUnsafeBytes { Array(Insecure.MD5.hash(data: $0)) } ?? []
        call.headers.append((name: "Content-MD5", value: Data(hash).base64EncodedString()))
        let response = try await send(call)
        let tag = S3Answer.entityTag(response.headers.first("ETag"))
        if S3Answer.isPlainHash(tag, response.headers), tag.lowercased() != S3Encoding.hexadecimal(hash) {
            throw fault(call, .damaged("the store has other bytes (MD5 \(tag)) than those sent"))
        }
        return tag
    }

    private static func date(_ text: String?) -> Int64 {
        guard case .date(let moment)? = text.flatMap(RetryAfter.init(parsing:)) else { return 0 }
        return Int64(moment)
    }
}
