// SPDX-License-Identifier: Apache-2.0

/// One numbered step of the schema's history, embedded in the binary.
package struct Migration: Sendable {
    /// The file's name without `.sql`; names sort in the order of application.
    package let name: String
    /// Plain SQL, several statements.
    package let sql: String
}

/// The schema's history, oldest first. A step that has been released never changes; new steps are appended.
package enum Migrations {
    /// Every step, oldest first.
    package static let all: [Migration] = [
        Migration(name: "0001_tenants", sql: text(PackageResources._001_tenants_sql)),
        Migration(name: "0002_files", sql: text(PackageResources._002_files_sql)),
        Migration(name: "0003_batches", sql: text(PackageResources._003_batches_sql)),
        Migration(name: "0004_shards", sql: text(PackageResources._004_shards_sql)),
        Migration(name: "0005_workers", sql: text(PackageResources._005_workers_sql)),
        Migration(name: "0006_events", sql: text(PackageResources._006_events_sql)),
        Migration(name: "0007_scheduling", sql: text(PackageResources._007_scheduling_sql)),
        Migration(name: "0008_lineage", sql: text(PackageResources._008_lineage_sql)),
        Migration(name: "0009_notifications", sql: text(PackageResources._009_notifications_sql)),
        Migration(name: "0010_profiles", sql: text(PackageResources._010_profiles_sql)),
        Migration(name: "0011_remote_objects", sql: text(PackageResources._011_remote_objects_sql)),
        Migration(name: "0012_access_keys", sql: text(PackageResources._012_access_keys_sql)),
        Migration(name: "0013_ark_jobs", sql: text(PackageResources._013_ark_jobs_sql)),
        Migration(name: "0014_ark_runs", sql: text(PackageResources._014_ark_runs_sql)),
        Migration(name: "0015_live", sql: text(PackageResources._015_live_sql)),
        Migration(name: "0016_temporary_keys", sql: text(PackageResources._016_temporary_keys_sql)),
    ]

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
