// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchFiles

/// One entry of `object_stores` in the configuration file: keys of the server's that projects may use for the inputs
/// and results of their batches, within what is named here.
struct ObjectStoreEntry: Sendable {
    /// What messages call it; unique.
    var name = ""
    /// Whose kind of store.
    var kind = ObjectStoreKind.s3
    /// URL of the store; empty: the public one of the kind's vendor in `region`.
    var endpoint = ""
    /// Region of requests; empty: that of the address, or the kind's usual one.
    var region = ""
    /// Whether the bucket is part of the path; without effect without an endpoint.
    var usesPathStyle = true
    /// Access key id.
    var accessKey = ""
    /// Secret access key.
    var secretKey = ""
    /// Name of the environment variable that holds the secret key; empty: none.
    var secretVariable = ""
    /// Token of temporary credentials; empty: they are lasting.
    var sessionToken = ""
    /// What may be reached: `bucket`, `bucket/prefix/` or `*`, separated by commas; empty: nothing.
    var buckets = ""
    /// Names of projects, or `*`, separated by commas; empty: nobody.
    var projects = ""

    /// Every key of an entry.
    static let table: [Setting<ObjectStoreEntry>] = [
        .text("name", \.name, "What messages call it; unique."),
        .choice("type", \.kind, "Which addresses it is for: s3://, oss: or tos://."),
        .text(
            "endpoint", \.endpoint, unit: "URL",
            "Where it answers; may be a private address. Empty: AWS, Aliyun OSS or Volcengine TOS in `region`."),
        .text("region", \.region, "Region of requests. Empty: that of the address, or the usual one."),
        .flag(
            "path_style", \.usesPathStyle,
            "With an endpoint: whether the bucket is part of the path, as MinIO, Ceph and Swift like it."),
        .text("access_key", \.accessKey, "Access key id."),
        .text("secret_key", \.secretKey, secrecy: .hidden, "Secret access key."),
        .text("secret_key_env", \.secretVariable, "Environment variable that holds it, instead of `secret_key`."),
        .text("session_token", \.sessionToken, secrecy: .hidden, "Token of temporary credentials."),
        .text(
            "buckets", \.buckets, unit: "list",
            "What may be reached: bucket, bucket/prefix/ or \"*\". Empty: nothing."),
        .text("projects", \.projects, unit: "list", "Names of the projects that may use it, or \"*\". Empty: nobody."),
    ]

    /// What is wrong with it, one line each; empty when it can be used.
    func validate() -> [String] {
        let title = "object store \(name.isEmpty ? "without a name" : name)"
        var problems: [String] = []
        if name.isEmpty { problems.append("\(title): name is missing") }
        if accessKey.isEmpty || secretKey.isEmpty {
            problems.append("\(title): access_key and secret_key must both be set")
        }
        for text in Self.list(buckets) where ServerStore.Area(text) == nil {
            problems.append("\(title): buckets: \"\(text)\" is neither bucket, bucket/prefix/ (with the slash) nor *")
        }
        do throws(S3EndpointProblem) { _ = try access.place(region: nil) } catch {
            problems.append("\(title): the endpoint \(error.message)")
        }
        return problems
    }

    /// The store itself.
    func store() -> ServerStore {
        ServerStore(
            access: access, projects: Self.list(projects), areas: Self.list(buckets).compactMap(ServerStore.Area.init))
    }

    private var access: StoreAccess {
        StoreAccess(
            name: name, kind: kind, endpoint: endpoint.isEmpty ? nil : endpoint, region: region.isEmpty ? nil : region,
            usesPathStyle: usesPathStyle,
            credentials: S3Credentials(
                accessKey: accessKey, secretKey: secretKey, sessionToken: sessionToken.isEmpty ? nil : sessionToken))
    }

    private static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { String($0.trimmingPrefix(" ")) }.filter { !$0.isEmpty }
    }
}
