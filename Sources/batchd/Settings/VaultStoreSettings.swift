// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchFiles

/// A bucket for stored files; without a name there is none.
struct VaultStoreSettings: Sendable {
    /// URL of the store; empty: AWS in `region`.
    var endpoint = ""
    /// Name of the bucket; empty: there is none.
    var bucket = ""
    /// Begins every key.
    var prefix = ""
    /// Region that signatures name.
    var region = "us-east-1"
    /// Whether the bucket is part of the path; without effect on AWS.
    var usesPathStyle = true
    /// Access key id.
    var accessKey = ""
    /// Secret access key.
    var secretKey = ""
    /// Token of temporary credentials; empty: they are lasting.
    var sessionToken = ""
    /// Bytes of a part of a large file.
    var partBytes = 8 << 20

    /// Whether files are to be kept there.
    var isSet: Bool { !bucket.isEmpty }

    /// What is wrong, each with the way out; nothing where there is no bucket.
    func validate() -> [String] {
        guard isSet else {
            return endpoint.isEmpty ? [] : ["vault.s3.bucket: is not set, but vault.s3.endpoint is: name the bucket"]
        }
        var problems: [String] = []
        do {
            _ = try StoredObject(.s3, bucket: bucket, key: prefix + String(repeating: "k", count: Self.keyBytes))
        } catch {
            problems.append("vault.s3: the address of bucket and prefix \(error.message)")
        }
        do {
            _ = try place()
        } catch {
            problems.append("vault.s3.endpoint: the endpoint \(error.message)")
        }
        if accessKey.isEmpty || secretKey.isEmpty {
            problems.append("vault.s3: access_key and secret_key must both be set")
        }
        if partBytes < Self.partBytesMin {
            problems.append("vault.s3.part_bytes: must be 5MiB or more, stores take no smaller parts")
        }
        return problems
    }

    /// The bucket, and how to reach it.
    func configuration() throws -> S3Configuration {
        S3Configuration(
            endpoint: try place(), bucket: bucket,
            credentials: S3Credentials(
                accessKey: accessKey, secretKey: secretKey,
                sessionToken: sessionToken.isEmpty ? nil : sessionToken),
            partBytes: partBytes)
    }

    /// As people write it, for messages.
    var address: String { "s3://\(bucket)/\(prefix)" }

    private func place() throws(S3EndpointProblem) -> S3Endpoint {
        endpoint.isEmpty
            ? try S3Endpoint(.s3, region: region)
            : try S3Endpoint(url: endpoint, region: region, usesPathStyle: usesPathStyle)
    }

    /// What the vault puts after the prefix, at most.
    private static let keyBytes = 64
    private static let partBytesMin = 5 << 20
}
