// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchFiles
import Crypto
import Foundation
import Testing

@Suite struct DirectoryVaultTests {
    private func withVault(_ body: (DirectoryVault, String) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "shardline-vault-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(try DirectoryVault(path: path), path)
    }

    private func write(_ vault: DirectoryVault, _ bytes: [UInt8]) async throws -> String {
        let writer = try await vault.begin()
        for start in stride(from: 0, to: bytes.count, by: 70_001) {
            try bytes[start..<min(start + 70_001, bytes.count)].withUnsafeBytes { try writer.append($0) }
        }
        let blob = try await writer.seal()
        #expect(blob.bytes == Int64(bytes.count))
        #expect(blob.sha256 == Array(SHA256.hash(data: bytes)))
        return blob.vaultKey
    }

    private func read(_ vault: DirectoryVault, _ key: String, _ range: Range<Int64>? = nil) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await piece in try await vault.read(key, range: range) {
            #expect(piece.count <= 256 << 10)
            bytes += piece
        }
        return bytes
    }

    @Test func `a blob comes back byte for byte, whole and in ranges`() async throws {
        try await withVault { vault, _ in
            let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let key = try await write(vault, bytes)
            #expect(try await read(vault, key) == bytes)
            #expect(try await read(vault, key, 5..<600_000) == Array(bytes[5..<600_000]))
            #expect(try vault.readBack(key, offset: 999_990, length: 10) == Array(bytes[999_990...]))
            #expect(throws: VaultError.truncated(key: key)) {
                try vault.readBack(key, offset: 999_999, length: 2)
            }
            await #expect(throws: VaultError.truncated(key: key)) { try await read(vault, key, 0..<1_000_001) }
        }
    }

    @Test func `nothing is readable before it is sealed, and nothing is left after a discard`() async throws {
        try await withVault { vault, path in
            let writer = try await vault.begin()
            try [UInt8]("half".utf8).withUnsafeBytes { try writer.append($0) }
            let names = try FileManager.default.contentsOfDirectory(atPath: path + "/incoming")
            let key = try #require(names.first)
            await #expect(throws: VaultError.missing(key: key)) { try await read(vault, key) }
            await writer.discard()
            #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/incoming").isEmpty)
        }
    }

    @Test func `keys that are no keys reach no file`() async throws {
        try await withVault { vault, _ in
            for key in ["../../etc/passwd", "", "ABCDEF", String(repeating: "g", count: 32)] {
                await #expect(throws: VaultError.missing(key: key)) { try await read(vault, key) }
                try await vault.delete(key)
            }
        }
    }

    @Test func `deleting is repeatable, and old keys are listed in their bucket only`() async throws {
        try await withVault { vault, _ in
            let key = try await write(vault, [1])
            let bucket = try #require(UInt8(key.prefix(2), radix: 16))
            #expect(try await vault.keys(inBucket: bucket, olderThan: .seconds(-10)) == [key])
            #expect(try await vault.keys(inBucket: bucket &+ 1, olderThan: .seconds(-10)).isEmpty)
            #expect(try await vault.keys(inBucket: bucket, olderThan: .seconds(3_600)).isEmpty)
            try await vault.delete(key)
            try await vault.delete(key)
            await #expect(throws: VaultError.missing(key: key)) { try await read(vault, key) }
        }
    }

    @Test func `a directory that cannot be written is named`() async throws {
        #expect(throws: VaultError.self) { try DirectoryVault(path: "/proc/nowhere/vault") }
    }
}
