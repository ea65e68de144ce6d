// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchFiles
import Crypto
import Testing

/// What every vault promises, whatever it is made of.
@Suite struct VaultTests {
    private func write(_ vault: any FileVault, _ bytes: [UInt8]) async throws -> String {
        let writer = try await vault.begin()
        for start in stride(from: 0, to: bytes.count, by: 70_001) {
            await writer.ready()
            try bytes[start..<min(start + 70_001, bytes.count)].withUnsafeBytes { try writer.append($0) }
        }
        let blob = try await writer.seal()
        #expect(blob.bytes == Int64(bytes.count))
        #expect(blob.sha256 == Array(SHA256.hash(data: bytes)))
        // Whoever gives up everything it began must not lose what is sealed.
        await writer.discard()
        return blob.vaultKey
    }

    private func read(_ vault: any FileVault, _ key: String, _ range: Range<Int64>? = nil) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await piece in try await vault.read(key, range: range) {
            #expect(piece.count <= 256 << 10)
            bytes += piece
        }
        return bytes
    }

    @Test(arguments: VaultKind.allCases)
    func `a blob comes back byte for byte, whole and in ranges`(kind: VaultKind) async throws {
        try await withVault(kind) { rig in
            let vault = rig.vault
            let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let key = try await write(vault, bytes)
            #expect(try await read(vault, key) == bytes)
            #expect(try await read(vault, key, 5..<600_000) == Array(bytes[5..<600_000]))
            #expect(try await read(vault, key, 7..<7) == [])
            #expect(try vault.readBack(key, offset: 999_990, length: 10) == Array(bytes[999_990...]))
            #expect(throws: VaultError.truncated(key: key)) {
                try vault.readBack(key, offset: 999_999, length: 2)
            }
            #expect(throws: VaultError.truncated(key: key)) {
                try vault.readBack(key, offset: 1_000_000, length: 1)
            }
            await #expect(throws: VaultError.truncated(key: key)) { try await read(vault, key, 0..<1_000_001) }
            await #expect(throws: VaultError.truncated(key: key)) {
                try await read(vault, key, 1_000_000..<1_000_001)
            }
        }
    }

    @Test(arguments: VaultKind.allCases, [0, 1, 262_144, 262_145, 524_288])
    func `blobs of every size come back`(kind: VaultKind, size: Int) async throws {
        try await withVault(kind) { rig in
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let key = try await write(rig.vault, bytes)
            #expect(try await read(rig.vault, key) == bytes)
        }
    }

    @Test(arguments: VaultKind.allCases)
    func `nothing is readable before it is sealed, and nothing is left after a discard`(kind: VaultKind) async throws {
        try await withVault(kind) { rig in
            let writer = try await rig.vault.begin()
            // More than a few parts, so that a store has some of them.
            for _ in 0..<6 {
                await writer.ready()
                try [UInt8](repeating: 7, count: 262_144).withUnsafeBytes { try writer.append($0) }
            }
            await writer.ready()
            let key = try #require(try await rig.unsealedKeys().first)
            await #expect(throws: VaultError.missing(key: key)) { try await read(rig.vault, key) }
            await writer.discard()
            #expect(try await rig.unsealedKeys().isEmpty)
            #expect(throws: (any Error).self) { try [1 as UInt8].withUnsafeBytes { try writer.append($0) } }
        }
    }

    @Test(arguments: VaultKind.allCases)
    func `keys that are no keys reach no file`(kind: VaultKind) async throws {
        try await withVault(kind) { rig in
            for key in ["../../etc/passwd", "", "ABCDEF", String(repeating: "g", count: 32)] {
                await #expect(throws: VaultError.missing(key: key)) { try await read(rig.vault, key) }
                #expect(throws: VaultError.missing(key: key)) {
                    try rig.vault.readBack(key, offset: 0, length: 1)
                }
                try await rig.vault.delete(key)
            }
        }
    }

    @Test(arguments: VaultKind.allCases)
    func `deleting is repeatable, and old keys are listed in their bucket only`(kind: VaultKind) async throws {
        try await withVault(kind) { rig in
            let vault = rig.vault
            let key = try await write(vault, [1])
            let bucket = try #require(UInt8(key.prefix(2), radix: 16))
            #expect(try await vault.keys(inBucket: bucket, olderThan: .seconds(-10)) == [key])
            #expect(try await vault.keys(inBucket: bucket &+ 1, olderThan: .seconds(-10)).isEmpty)
            #expect(try await vault.keys(inBucket: bucket, olderThan: .seconds(3_600)).isEmpty)
            try await vault.delete(key)
            try await vault.delete(key)
            await #expect(throws: VaultError.missing(key: key)) { try await read(vault, key) }
            #expect(throws: VaultError.missing(key: key)) { try vault.readBack(key, offset: 0, length: 1) }
        }
    }

    @Test(arguments: VaultKind.allCases)
    func `a vault that can be written passes its check, and the check leaves nothing`(kind: VaultKind) async throws {
        try await withVault(kind) { rig in
            try await rig.vault.check()
            #expect(try await rig.everything().isEmpty)
        }
    }

    @Test func `a directory that cannot be written is named`() async throws {
        #expect(throws: VaultError.self) { try DirectoryVault(path: "/proc/nowhere/vault") }
    }
}
