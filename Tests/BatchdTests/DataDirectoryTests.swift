// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import batchd

@Suite struct DataDirectoryTests {
    @Test func `a second user of a data directory is told who has it`() throws {
        try withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path)
            let lock = try DataDirectoryLock(directory)
            let error = #expect(throws: PrivateClusterError.self) { try DataDirectoryLock(directory) }
            #expect(error?.kind == .inUse)
            #expect(error?.description.contains("process id \(getpid())") == true)
            lock.release()
            try DataDirectoryLock(directory).release()
        }
    }

    @Test func `missing parents of a data directory are made, a file in its place is refused`() throws {
        try withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path + "/one/two")
            // Root's PostgreSQL is another user, who has to pass but not to look.
            let expected: mode_t = geteuid() == 0 ? 0o711 : 0o700
            #expect(DirectoryEntries.status(directory.path)?.permissions == expected)
            #expect(DirectoryEntries.status(path + "/one")?.permissions == expected)
            try PlainFile.write("x", to: path + "/file", permissions: 0o600)
            #expect(throws: PrivateClusterError.self) { try DataDirectory.open(path + "/file") }
        }
    }

    @Test func `a key is made once, kept for its owner only, and found again`() throws {
        try withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path)
            let key = try ProjectKey.kept(in: directory)
            #expect(key.text.hasPrefix("sk-shardline-"))
            #expect(key.text.utf8.count == "sk-shardline-".utf8.count + 43)
            #expect(ProjectKey(key.text) == key)
            #expect(DirectoryEntries.status(directory.apiKey)?.permissions == 0o600)
            #expect(try ProjectKey.kept(in: directory) == key)
            #expect(ProjectKey.random() != key)
        }
    }

    @Test(arguments: [
        "", "sk-shardline-", "sk-shardline-short", "sk-other-4G8OwY5LlayutX5uWMGVHBFRtz5E207UZvtouPOUpuU",
    ])
    func `a key file that holds no key is refused by name`(text: String) throws {
        try withTemporaryDirectory { path in
            let directory = try DataDirectory.open(path)
            try PlainFile.write(text + "\n", to: directory.apiKey, permissions: 0o600)
            let error = #expect(throws: PrivateClusterError.self) { try ProjectKey.kept(in: directory) }
            #expect(error?.description.contains(directory.apiKey) == true)
        }
    }

    @Test func `a key is known by its digest`() throws {
        let key = try #require(ProjectKey("sk-shardline-" + String(repeating: "A", count: 43)))
        #expect(key.sha256.count == 32)
        #expect(key.shownPrefix == "sk-shardline-AAAA")
    }
}
