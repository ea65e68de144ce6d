// SPDX-License-Identifier: Apache-2.0

extension SettingsTable {
    /// A bucket for stored files.
    static let vaultStore: [Row] = [
        .text(
            "vault.s3.bucket", \.vaultStore.bucket, unit: "name",
            "Bucket of an S3-compatible store for stored files, in place of `vault.directory`. Empty: none."),
        .text(
            "vault.s3.prefix", \.vaultStore.prefix,
            "Begins the key of everything in the bucket, such as `shardline/`."),
        .text(
            "vault.s3.endpoint", \.vaultStore.endpoint, unit: "URL",
            "Where the store answers, such as https://storage.example.com:9000. Empty: AWS in `vault.s3.region`."),
        .text("vault.s3.region", \.vaultStore.region, unit: "name", "Region that requests are signed for."),
        .flag(
            "vault.s3.path_style", \.vaultStore.usesPathStyle,
            "Whether the bucket is part of the path, as MinIO, Ceph and Swift like it, or of the host's name, as OSS "
                + "and TOS want it. Without effect on AWS."),
        .text("vault.s3.access_key", \.vaultStore.accessKey, "Access key id."),
        .text("vault.s3.secret_key", \.vaultStore.secretKey, secrecy: .hidden, "Secret access key."),
        .text(
            "vault.s3.session_token", \.vaultStore.sessionToken, secrecy: .hidden,
            "Token of temporary credentials. Empty: they are lasting."),
        .bytes(
            "vault.s3.part_bytes", \.vaultStore.partBytes,
            "Part of a large file that is sent at a time; up to four are in memory per file being written. Stores take "
                + "5MiB or more."),
    ]
}
