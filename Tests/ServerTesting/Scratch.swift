// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A folder of one test's own and the processes that were started for it.
package final class Scratch: Sendable {
    private let folder: String
    private let children = Mutex<[ChildProcess]>([])
    private let needed = Mutex<[any Sendable & AnyObject]>([])

    /// Other users may enter it, since PostgreSQL never runs as root.
    fileprivate init() throws {
        let unique = UUID().uuidString.prefix(8)
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("shardline-\(unique)").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    }

    /// The path of a file or folder inside; nothing is created.
    package func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Writes a file and returns its path.
    package func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }

    /// The bytes of a file.
    package func read(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(fileURLWithPath: path(name))))
    }

    /// A process that has to end with the scratch.
    func adopt(_ child: ChildProcess) { children.withLock { $0.append(child) } }

    /// Something the processes need until they have ended, such as their database.
    func keep(_ object: any Sendable & AnyObject) { needed.withLock { $0.append(object) } }

    /// Ends what still runs and removes the folder.
    fileprivate func close() async throws {
        for child in children.withLock({ $0 }) where child.end == nil {
            // A stopped process does not hear anything else.
            child.signal(SIGCONT)
            _ = try? await child.stop(within: .seconds(20))
        }
        needed.withLock { $0.removeAll() }
        // A server that was killed leaves its PostgreSQL behind, to find it again at its next start.
        for path in FileManager.default.subpaths(atPath: folder) ?? [] where path.hasSuffix("/postmaster.pid") {
            guard
                let line = try? String(contentsOfFile: self.path(path), encoding: .utf8).prefix(while: { $0 != "\n" }),
                let pid = pid_t(line)
            else { continue }
            kill(pid, SIGQUIT)
            _ = try await eventually("end of PostgreSQL \(pid)", within: .seconds(20)) {
                kill(pid, 0) != 0 ? true : nil
            }
        }
        if ProcessInfo.processInfo.environment["SHARDLINE_TEST_KEEP"] == nil {
            try FileManager.default.removeItem(atPath: folder)
        }
    }
}

/// Runs a test with a scratch folder; whatever happens, its processes end and its files go.
/// With `SHARDLINE_TEST_KEEP` set in the environment the files stay, to be looked at.
package func withScratch<Result>(_ body: (Scratch) async throws -> Result) async throws -> Result {
    let scratch = try Scratch()
    do {
        let result = try await body(scratch)
        try await scratch.close()
        return result
    } catch {
        try await scratch.close()
        throw error
    }
}
