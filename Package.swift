// swift-tools-version: 6.1
// SPDX-License-Identifier: Apache-2.0
// The dependency lists below are the architecture: a target may import exactly what its list names (ARCHITECTURE.md).
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

/// The schema's history, oldest first; `Migrations.all` lists the same.
let migrations = [
    "0001_tenants", "0002_files", "0003_batches", "0004_shards", "0005_workers", "0006_events",
    "0007_scheduling", "0008_lineage", "0009_notifications", "0010_profiles", "0011_remote_objects",
    "0012_access_keys", "0013_ark_jobs", "0014_ark_runs", "0015_live", "0016_temporary_keys",
]

func target(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func support(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: settings)
}

let package = Package(
    name: "shardline",
    products: [
        .executable(name: "batchd", targets: ["batchd"]),
        .executable(name: "batchctl", targets: ["batchctl"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.25.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.20.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
    ],
    targets: [
        // outside
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CLibcurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CEpoll"),
        .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        // ground: technology without rules, and rules without I/O
        target("Postgres", ["CLibpq", logging]),
        target("Curl", ["CEpoll", "CLibcurl", logging]),
        target("Zstd", ["CZstd"]),
        target("Amqp", ["CRabbitMQ"]),
        target("Sealing", [crypto]),
        target("Loops", [lifecycle, logging]),
        target("BatchCore", []),
        .target(
            name: "BatchMigrations", path: "Migrations", resources: migrations.map { .embedInCode("\($0).sql") },
            swiftSettings: settings),
        // adapters
        target("BatchStore", ["BatchCore", "BatchMigrations", "Postgres", "Zstd", logging]),
        target("BatchFiles", ["BatchCore", "Curl", crypto, logging]),
        target("BatchInference", ["BatchCore", "Curl", "Loops", logging]),
        target("BatchWebhook", ["Amqp", "BatchCore", "Curl", crypto, logging]),
        target("BatchClient", ["BatchCore", "Curl"]),
        // rooms
        target(
            "BatchCoordinator",
            [
                "BatchCore", "BatchStore", "BatchFiles", "BatchWebhook", "Postgres", "Loops", "Sealing", crypto,
                lifecycle, logging,
            ]),
        target("BatchWorker", ["BatchCore", "BatchStore", "BatchInference", "Postgres", "Loops", lifecycle, logging]),
        target("BatchRun", ["BatchCore", "BatchFiles", "BatchInference", "Curl", "Loops", crypto]),
        // desk
        target(
            "BatchAPI",
            [
                "BatchCore", "BatchStore", "BatchFiles", "BatchCoordinator", "BatchWebhook", "Postgres", "Loops",
                "Sealing", crypto, lifecycle, logging,
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
            ]),
        // programs
        program(
            "batchd",
            [
                "Amqp", "BatchCore", "BatchMigrations", "BatchStore", "BatchFiles", "BatchInference", "BatchWebhook",
                "BatchCoordinator", "BatchWorker", "BatchAPI", "BatchClient", "CEpoll", "Curl", "Postgres", "Loops",
                "Sealing", arguments, crypto, lifecycle, logging, .product(name: "Yams", package: "Yams"),
            ]),
        program("batchctl", ["BatchCore", "BatchClient", "BatchInference", "BatchRun", "Curl", arguments]),
        // what several test targets share
        support("PostgresTesting", []),
        support("HTTPTesting", []),
        support("BrokerTesting", ["CRabbitMQ"]),
        support("StorageTesting", []),
        support("BatchTesting", ["BatchCore", "BatchStore", "Postgres", "PostgresTesting", logging]),
        support("ServerTesting", ["PostgresTesting"]),
        // one per module, and three that look at the whole
        tests("PostgresTests", ["Postgres", "PostgresTesting", logging]),
        tests("CurlTests", ["BatchCore", "BatchFiles", "BatchInference", "Curl", "HTTPTesting"]),
        tests("ZstdTests", ["Zstd"]),
        tests("SealingTests", ["Sealing"]),
        tests("LoopsTests", ["Loops", lifecycle, logging]),
        tests("BatchCoreTests", ["BatchCore"]),
        tests("BatchStoreTests", ["BatchCore", "BatchStore", "BatchTesting", "Postgres", logging]),
        tests("BatchFilesTests", ["BatchCore", "BatchFiles", "Curl", "HTTPTesting", "StorageTesting", crypto]),
        tests("BatchInferenceTests", ["BatchCore", "BatchInference", "Curl", "HTTPTesting", "Loops", logging]),
        tests(
            "BatchRunTests",
            [
                "BatchCore", "BatchFiles", "BatchRun", "Curl", "HTTPTesting", "Loops", "ServerTesting",
                "StorageTesting",
            ]),
        tests("BatchClientTests", ["BatchClient", "BatchCore", "Curl", "HTTPTesting"]),
        tests("BatchWebhookTests", ["BatchCore", "BatchWebhook", "Curl", "HTTPTesting"]),
        tests(
            "BatchCoordinatorTests",
            [
                "BatchCore", "BatchCoordinator", "BatchFiles", "BatchStore", "BatchTesting", "BatchWebhook", "Curl",
                "HTTPTesting", "Loops", logging,
            ]),
        tests(
            "BatchWorkerTests",
            [
                "BatchCoordinator", "BatchCore", "BatchInference", "BatchStore", "BatchTesting", "BatchWorker", "Curl",
                "HTTPTesting", "Postgres", "PostgresTesting", "ServerTesting", lifecycle, logging,
            ]),
        tests(
            "BatchAPITests",
            [
                "BatchAPI", "BatchCoordinator", "BatchCore", "BatchFiles", "BatchStore", "BatchWebhook", "Curl",
                "HTTPTesting",
                "Postgres", "PostgresTesting", "Sealing", "ServerTesting", crypto, lifecycle, logging,
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        tests(
            "BatchctlTests",
            ["batchctl", "BatchClient", "BatchCore", "Curl", "HTTPTesting", "ServerTesting", arguments]),
        tests(
            "BatchdTests",
            [
                "batchd", "BatchAPI", "BatchClient", "BatchCore", "BatchFiles", "BatchInference", "BatchStore",
                "BatchWorker",
                "Loops", arguments, lifecycle, logging,
            ]),
        tests("AmqpTests", ["Amqp", "BrokerTesting", "HTTPTesting"]),
        tests(
            "EndToEndTests",
            [
                "BatchFiles", "BrokerTesting", "Curl", "HTTPTesting", "PostgresTesting", "ServerTesting",
                "StorageTesting", crypto,
            ]),
        tests("CompatibilityTests", ["BatchWebhook", "Curl", "HTTPTesting", "ServerTesting"]),
        tests("TidyTests", []),
    ],
    swiftLanguageModes: [.v6]
)
