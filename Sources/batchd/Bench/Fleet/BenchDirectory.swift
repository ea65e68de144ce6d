// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// A directory of a bench's own, with everything that it stores.
struct BenchDirectory: Sendable {
    /// Absolute path.
    let path: String

    /// The private PostgreSQL.
    var data: String { path + "/data" }
    /// The coordinator's files.
    var vault: String { path + "/vault" }
    /// The coordinator's temporary files.
    var spool: String { path + "/spool" }
    /// The log of a backend of the bench's own.
    var calls: String { path + "/calls.log" }
    /// What the client uploads.
    var input: String { path + "/input.jsonl" }
    /// What the client downloads.
    var output: String { path + "/output.jsonl" }
    /// What the client downloads of lines that failed.
    var errors: String { path + "/errors.jsonl" }

    /// Makes a fresh directory inside `parent`; what else is there is left alone.
    static func make(in parent: String) throws -> BenchDirectory {
        try DataDirectory.make(parent)
        var template = Array("\(parent)/shardline-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil, let real = realpath(template, nil) else {
            throw PrivateClusterError.system("make a directory in", parent, code: errno)
        }
        defer { free(real) }
        let directory = BenchDirectory(path: String(cString: real))
        // Passed by the user that PostgreSQL runs as; its folders are closed again, each by itself.
        guard chmod(directory.path, 0o711) == 0 else {
            throw PrivateClusterError.system("open", directory.path, code: errno)
        }
        try DataDirectory.make(directory.spool)
        return directory
    }

    /// Removes one file; one that cannot be removed goes with the directory.
    static func removeFile(_ path: String) { unlink(path) }

    /// Removes it with all it holds. What cannot be removed is named; the figures are as good as without it.
    func remove() {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            StandardErrorLog.write("cannot remove \(path): \(error)\n")
        }
    }
}
