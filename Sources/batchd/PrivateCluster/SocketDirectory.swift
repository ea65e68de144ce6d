// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Where the cluster's Unix socket lies: the data directory's own folder, or, when that path is too long for a
/// socket, a private folder in the system's directory for temporary files, which the data directory remembers.
enum SocketDirectory {
    /// Longest path of a socket in bytes (sun_path, without the closing zero).
    static let socketPathBytesMax = 107
    /// The socket's name, by PostgreSQL's convention for port 5432.
    static let socketName = "/.s.PGSQL.5432"

    /// Whether a socket in `directory` has a path that the system accepts.
    static func fits(_ directory: String) -> Bool {
        directory.utf8.count + socketName.utf8.count <= socketPathBytesMax
    }

    /// The directory to use; makes and records one when it must.
    static func prepare(_ directory: DataDirectory, user: ServerUser, temporary: String = "/tmp") throws -> String {
        if fits(directory.postgres) { return directory.postgres }
        if let known = recorded(directory), isPrivate(known, user: user) { return known }
        var template = Array("\(temporary)/shardline-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw PrivateClusterError.system("make", temporary, code: errno) }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard chown(path, user.uid, user.gid) == 0 else {
            throw PrivateClusterError.system("give away", path, code: errno)
        }
        try PlainFile.write(path + "\n", to: directory.socketRecord, permissions: 0o600, owner: user)
        return path
    }

    /// The directory that a running cluster uses; nil when none was ever made.
    static func current(_ directory: DataDirectory) -> String? {
        fits(directory.postgres) ? directory.postgres : recorded(directory)
    }

    private static func recorded(_ directory: DataDirectory) -> String? {
        guard let text = DirectoryEntries.text(of: directory.socketRecord), text.hasPrefix("/") else { return nil }
        return String(text.prefix { $0 != "\n" })
    }

    /// A directory that others can write to, or put a link in place of, must not be trusted.
    private static func isPrivate(_ path: String, user: ServerUser) -> Bool {
        guard let status = DirectoryEntries.status(path, follow: false) else { return false }
        return status.isDirectory && status.owner == user.uid && status.permissions & 0o077 == 0
    }
}
