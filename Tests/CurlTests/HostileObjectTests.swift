// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchFiles
import Curl
import Foundation
import HTTPTesting
import Testing

/// Inputs and outputs of batches at addresses that users must not reach, in a network full of them.
@Suite(
    .serialized, .enabled(if: NetworkOfItsOwn.refusal == nil, "\(NetworkOfItsOwn.refusal ?? "")")
)
struct HostileObjectTests {
    private static func stores(_ engine: CurlEngine, servers: [ServerStore] = []) -> RemoteStores {
        var limits = RemoteLimits()
        limits.requestTriesMax = 1
        return RemoteStores(servers: servers, limits: limits, engine: engine)
    }

    private static func vault() throws -> DirectoryVault {
        try DirectoryVault(
            path: FileManager.default.temporaryDirectory.appending(path: "vault-\(UUID().uuidString)").path)
    }

    private static func access(_ host: String) -> StoreAccess {
        StoreAccess(
            name: "store", kind: .s3, endpoint: "http://\(host):\(HostileNetwork.port)", region: "us-east-1",
            usesPathStyle: true, credentials: S3Credentials(accessKey: "key", secretKey: "secret"))
    }

    /// Why an address can be neither read nor written; nil where it can.
    private static func refusals(
        _ address: String, _ stores: RemoteStores, own: [ProjectStore] = []
    ) async throws -> [RemoteFault.Kind?] {
        let vault = try vault()
        let writer = try await vault.begin()
        try Array("x\n".utf8).withUnsafeBytes { try writer.append($0) }
        let blob = try await writer.seal()
        let file = NewFile(
            id: .random(), project: .random(), purpose: .batchOutput, filename: "f", bytes: blob.bytes,
            sha256: blob.sha256, vaultKey: blob.vaultKey, expiresAfterSeconds: nil)
        let object = try stores.open(try ObjectAddress(address), project: "p", own: own)
        var kinds: [RemoteFault.Kind?] = []
        do {
            _ = try await object.fetch(into: vault, bytesMax: 1_000)
            kinds.append(nil)
        } catch let fault as RemoteFault {
            kinds.append(fault.kind)
        }
        do {
            try await object.write(
                file, of: vault, isRepeat: false, spoolDirectory: FileManager.default.temporaryDirectory.path)
            kinds.append(nil)
        } catch let fault as RemoteFault {
            kinds.append(fault.kind)
        }
        return kinds
    }

    @Test func `no URL and no store of a project's reaches an address that is not public`() async throws {
        try await NetworkOfItsOwn.run {
            let network = try HostileNetwork()
            try await withEngine { engine in
                let stores = Self.stores(engine)
                for address in HostileNetwork.addresses + ["127.0.0.1"]
                where !HostileNetwork.publicAddresses.contains(address) {
                    let host = address.contains(":") ? "[\(address)]" : address
                    let url = HostileNetwork.url(host, "/file?sig=1")
                    let refused = try await Self.refusals(url, stores)
                    #expect(refused == [.addressNotAllowed, .addressNotAllowed])
                    let own = ProjectStore(access: Self.access(host), bucket: nil)
                    let object = try await Self.refusals("s3://bucket/key", stores, own: [own])
                    #expect(object == [.addressNotAllowed, .addressNotAllowed])
                }
            }
            #expect(network.visited.isEmpty)
            #expect(network.connectionCount == 0)
        }
    }

    @Test func `a redirect to a private address is not followed, and a name that changes is refused`() async throws {
        try await NetworkOfItsOwn.run {
            _ = try NameServer { name, number in
                let octets = HostileNetwork.octets
                return name == "rebind.test" ? [octets(number == 1 ? "203.0.114.9" : "169.254.169.254")] : []
            }
            let network = try HostileNetwork { target, connection in
                guard target.hasPrefix("/moved") else { return false }
                try connection.respond(302, headers: [("Location", HostileNetwork.url("10.0.0.5"))], text: "")
                return true
            }
            try await withEngine { engine in
                let moved = HostileNetwork.url("203.0.114.9", "/moved")
                let kinds = try await Self.refusals(moved, Self.stores(engine))
                #expect(kinds == [.redirected, .redirected])
            }
            // Each engine asks anew: the second answer is the hostile one.
            for expected in [nil, RemoteFault.Kind.addressNotAllowed] {
                try await withEngine { engine in
                    let kinds = try await Self.refusals(HostileNetwork.url("rebind.test"), Self.stores(engine))
                    #expect(kinds.first == expected)
                }
            }
            #expect(Set(network.visited) == ["203.0.114.9"])
        }
    }

    @Test func `a store that the operator configured may be anywhere`() async throws {
        try await NetworkOfItsOwn.run {
            let network = try HostileNetwork()
            let area = try #require(ServerStore.Area("bucket/dir/"))
            let server = ServerStore(access: Self.access("10.0.0.5"), projects: ["p"], areas: [area])
            try await withEngine { engine in
                let vault = try Self.vault()
                let object = try Self.stores(engine, servers: [server]).open(
                    try ObjectAddress("s3://bucket/dir/key"), project: "p", own: [])
                let blob = try await object.fetch(into: vault, bytesMax: 1_000)
                #expect(blob.bytes == 8)
            }
            #expect(network.visited == ["10.0.0.5"])
        }
    }
}
