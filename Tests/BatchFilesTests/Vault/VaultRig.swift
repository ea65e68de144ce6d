// SPDX-License-Identifier: Apache-2.0

import BatchFiles
import Curl
import Foundation
import StorageTesting

/// The kinds of vaults there are.
enum VaultKind: CaseIterable, Sendable {
    /// In a directory.
    case directory
    /// On a real store that speaks S3.
    case store
}

/// A vault of one test's own, and a look behind it.
struct VaultRig {
    /// The vault.
    let vault: any FileVault
    /// Keys of blobs that were begun and have left bytes behind, but are not sealed.
    let unsealedKeys: () async throws -> [String]
    /// Names of all files or objects.
    let everything: () async throws -> [String]
}

/// Runs a test with an empty vault.
func withVault(_ kind: VaultKind, _ body: (VaultRig) async throws -> Void) async throws {
    switch kind {
    case .directory:
        let path = NSTemporaryDirectory() + "shardline-vault-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let rig = VaultRig(
            vault: try DirectoryVault(path: path),
            unsealedKeys: { try FileManager.default.contentsOfDirectory(atPath: path + "/incoming") },
            everything: {
                try FileManager.default.subpathsOfDirectory(atPath: path).filter { $0 != "blobs" && $0 != "incoming" }
            })
        try await body(rig)
    case .store:
        try await withStore { store in
            let vault = S3Vault(store.configuration, prefix: "vault dir/", engine: store.engine)
            let rig = VaultRig(
                vault: vault,
                unsealedKeys: {
                    var keys: [String] = []
                    try await store.client.forEachUpload(prefix: "vault dir/blobs/") {
                        keys.append(String($0.key.suffix(32)))
                    }
                    return keys
                },
                everything: {
                    var keys: [String] = []
                    try await store.client.forEachObject(prefix: "") { keys.append($0.key) }
                    return keys
                })
            try await body(rig)
        }
    }
}
