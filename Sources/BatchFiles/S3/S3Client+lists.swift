// SPDX-License-Identifier: Apache-2.0

internal import Curl

extension S3Client {
    /// Visits the objects whose keys begin with `prefix`, in order of their keys.
    ///
    /// - Parameter pageSize: objects that one answer holds, 1…1,000.
    package func forEachObject(prefix: String, pageSize: Int = 1_000, _ visit: (S3Object) throws -> Void) async throws {
        var token: String?
        while true {
            var query = [
                (name: "list-type", value: "2"), (name: "prefix", value: prefix),
                // A key may hold what XML cannot.
                (name: "encoding-type", value: "url"), (name: "max-keys", value: String(pageSize)),
            ]
            if let token { query.append((name: "continuation-token", value: token)) }
            let root = try await list(query, prefix, root: "ListBucketResult")
            for entry in root.all("Contents") {
                guard let key = entry["Key"], let bytes = entry["Size"].flatMap({ Int64($0) }) else { continue }
                try visit(
                    S3Object(
                        key: decode(key, root), bytes: bytes, entityTag: S3Answer.entityTag(entry["ETag"]),
                        changedAt: entry["LastModified"].flatMap(S3Timestamp.unixSeconds(listed:)) ?? 0))
            }
            guard root["IsTruncated"] == "true" else { return }
            guard let next = root["NextContinuationToken"], next != token else { throw endless(prefix) }
            token = next
        }
    }

    /// Visits the uploads in parts, begun and not ended, of keys that begin with `prefix`.
    package func forEachUpload(prefix: String, _ visit: (S3PendingUpload) throws -> Void) async throws {
        var marker: (key: String, id: String)?
        while true {
            var query = [
                (name: "uploads", value: ""), (name: "prefix", value: prefix), (name: "encoding-type", value: "url"),
            ]
            if let marker {
                query.append((name: "key-marker", value: marker.key))
                query.append((name: "upload-id-marker", value: marker.id))
            }
            let root = try await list(query, prefix, root: "ListMultipartUploadsResult")
            for entry in root.all("Upload") {
                guard let key = entry["Key"], let id = entry["UploadId"] else { continue }
                try visit(
                    S3PendingUpload(
                        key: decode(key, root), id: id,
                        startedAt: entry["Initiated"].flatMap(S3Timestamp.unixSeconds(listed:)) ?? 0))
            }
            guard root["IsTruncated"] == "true" else { return }
            guard let key = root["NextKeyMarker"], let id = root["NextUploadIdMarker"],
                marker == nil || marker?.key != key || marker?.id != id
            else { throw endless(prefix) }
            marker = (decode(key, root), id)
        }
    }

    private func list(
        _ query: [(name: String, value: String)], _ prefix: String, root: String
    ) async throws -> XMLElement {
        let call = Call(method: "GET", operation: "list", key: "", query: query)
        return try document(call, try await send(call), root: root)
    }

    private func decode(_ name: String, _ root: XMLElement) -> String {
        root["EncodingType"] == "url" ? S3Encoding.decodeListed(name) : name
    }

    private func endless(_ prefix: String) -> S3Error {
        S3Error(.damaged("the list does not end"), operation: "list", place: place(prefix))
    }
}
