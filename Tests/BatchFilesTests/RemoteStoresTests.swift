// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchFiles
import Curl
import Testing

/// Whose keys open what: nobody reads with the operator's keys what the operator did not lend.
@Suite struct RemoteStoresTests {
    private func access(_ name: String, _ kind: ObjectStoreKind = .s3, region: String? = nil) -> StoreAccess {
        StoreAccess(
            name: name, kind: kind, endpoint: nil, region: region, usesPathStyle: true,
            credentials: S3Credentials(accessKey: name, secretKey: "secret"))
    }

    private func server(_ areas: [String], projects: [String], kind: ObjectStoreKind = .s3) -> ServerStore {
        ServerStore(
            access: access("server", kind), projects: projects, areas: areas.compactMap(ServerStore.Area.init))
    }

    /// The kind of fault that opening an address ends in; nil when it is opened.
    private func fault(
        _ address: String, servers: [ServerStore], project: String = "p", own: [ProjectStore] = [],
        reserve: RemoteStores.Reserve? = nil
    ) async throws -> RemoteFault.Kind? {
        let engine = CurlEngine(EngineConfiguration())
        let stores = RemoteStores(servers: servers, reserve: reserve, engine: engine)
        let address = try ObjectAddress(address)
        var kind: RemoteFault.Kind?
        do throws(RemoteFault) {
            _ = try stores.open(address, project: project, own: own)
        } catch {
            kind = error.kind
        }
        await engine.shutdown()
        return kind
    }

    @Test(arguments: [
        ("s3://bucket/key", ["bucket"], ["p"], true), ("s3://bucket/key", ["bucket"], ["*"], true),
        ("s3://bucket/key", ["*"], ["q", "p"], true), ("s3://bucket/a/key", ["bucket/a/"], ["p"], true),
        ("s3://bucket/key", ["bucket"], [], false), ("s3://bucket/key", [], ["p"], false),
        ("s3://bucket/key", ["bucket"], ["q"], false), ("s3://bucket2/key", ["bucket"], ["p"], false),
        ("s3://bucket/ab/key", ["bucket/a/"], ["p"], false), ("s3://bucket/a/../b/key", ["bucket/a/"], ["p"], false),
        ("s3://bucket/a/./key", ["bucket/a/"], ["p"], false), ("s3://bucket/a", ["bucket/a/"], ["p"], false),
        ("tos://bucket/key", ["bucket"], ["p"], false), ("oss:cn-beijing:bucket/key", ["bucket"], ["p"], false),
    ])
    func `the server's keys are lent to named projects for named places`(
        address: String, areas: [String], projects: [String], isOpen: Bool
    ) async throws {
        let found = try await fault(address, servers: [server(areas, projects: projects)])
        #expect(found == (isOpen ? nil : .noCredentials))
    }

    @Test func `the vault is out of reach with the server's keys, whole or in part`() async throws {
        let servers = [server(["*"], projects: ["*"])]
        let reserve = RemoteStores.Reserve(bucket: "vault", prefix: "shardline/")
        for (address, expected) in [
            ("s3://vault/shardline/blobs/00/x", .notAllowed), ("s3://vault/shardline/", .notAllowed),
            ("s3://vault/", .notAllowed), ("s3://vault/other/x", nil), ("s3://vault2/shardline/x", nil),
        ] as [(String, RemoteFault.Kind?)] {
            #expect(try await fault(address, servers: servers, reserve: reserve) == expected, "\(address)")
        }
        let whole = RemoteStores.Reserve(bucket: "vault", prefix: "")
        #expect(try await fault("s3://vault/anything", servers: servers, reserve: whole) == .notAllowed)
        for address in ["s3://other/../vault/shardline/x", "s3://vault/x/./y", "s3://other/a/..", "s3://vault/.."] {
            #expect(try await fault(address, servers: servers, reserve: reserve) == .notAllowed, "\(address)")
        }
        // With keys of one's own that is the store's business.
        let own = [ProjectStore(access: access("own"), bucket: "vault")]
        #expect(try await fault("s3://vault/x", servers: servers, own: own, reserve: whole) == nil)
    }

    @Test func `a project's own keys fit by kind, bucket and region`() async throws {
        let own = [
            ProjectStore(access: access("one"), bucket: "bucket"),
            ProjectStore(access: access("oss", .oss, region: "cn-beijing"), bucket: nil),
        ]
        for (address, expected) in [
            ("s3://bucket/x", nil), ("s3://other/x", .noCredentials), ("oss:cn-beijing:any/x", nil),
            ("oss://any/x", nil), ("oss:cn-shanghai:any/x", .noCredentials),
        ] as [(String, RemoteFault.Kind?)] {
            #expect(try await fault(address, servers: [], own: own) == expected, "\(address)")
        }
    }

    @Test(arguments: ["bucket/a", "/a/", "", "*/a/", "Bucket", "b"])
    func `an area is a bucket, a prefix with its slash, or all`(text: String) {
        #expect(ServerStore.Area(text) == nil)
    }

    @Test func `what a user is told holds nothing of the store's text but its word`() throws {
        let error = S3Error(
            .refused(status: 403, code: "SignatureDoesNotMatch", message: "StringToSign canary"), operation: "read",
            place: "s3://b/k", requestID: "canary")
        let fault = try #require(RemoteFault(error, doing: "read", place: "s3://bucket/key"))
        #expect(fault.kind == .forbidden && !fault.isRetryable)
        #expect(fault.message.contains("SignatureDoesNotMatch") && !fault.message.contains("canary"))
        let odd = S3Error(.refused(status: 503, code: "a b<canary>", message: ""), operation: "read", place: "")
        let unreachable = try #require(RemoteFault(odd, doing: "read", place: "p"))
        #expect(unreachable.kind == .unreachable && unreachable.isRetryable)
        #expect(!unreachable.message.contains("canary"))
        let network = S3Error(
            .network(CurlError(.couldNotConnect, "canary.internal:9000: refused")), operation: "read", place: "p")
        let away = try #require(RemoteFault(network, doing: "read", place: "s3://bucket/key"))
        #expect(away.kind == .unreachable && away.isRetryable && !away.message.contains("canary"))
        #expect(RemoteFault(CancellationError(), doing: "read", place: "p") == nil)
    }
}
