// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The layout of the directory that `batchd standalone` keeps everything in.
///
/// ```text
/// DIR/lock                who uses the directory
/// DIR/api-key             the key of the project `default`
/// DIR/sealing-key         seals the secrets that the database keeps
/// DIR/vault/              files
/// DIR/postgres/           belongs to the user that PostgreSQL runs as
///              cluster/   PostgreSQL's data
///              log        PostgreSQL's log
///              socket-directory   where the socket is, when the path of this folder is too long for one
/// ```
struct DataDirectory: Hashable, Sendable {
    /// Absolute path without links.
    let path: String

    /// Held while a process uses the directory.
    var lock: String { path + "/lock" }
    /// The API key of the project `default`.
    var apiKey: String { path + "/api-key" }
    /// What seals the secrets in the database, unless the settings name another.
    var sealingKey: String { path + "/sealing-key" }
    /// The vault, unless the settings name another.
    var vault: String { path + "/vault" }
    /// What belongs to PostgreSQL.
    var postgres: String { path + "/postgres" }
    /// PostgreSQL's data, complete once it is there.
    var cluster: String { postgres + "/cluster" }
    /// PostgreSQL's data while `initdb` writes it.
    var unfinishedCluster: String { postgres + "/cluster.unfinished" }
    /// PostgreSQL's log.
    var serverLog: String { postgres + "/log" }
    /// Names the socket's directory when it is not ``postgres``.
    var socketRecord: String { postgres + "/socket-directory" }

    /// The directory at `path`, made when it is not there: closed to others (0700), but for root passable (0711),
    /// because PostgreSQL then runs as another user and has to get to its folder. What lies inside is closed by itself.
    ///
    /// - Throws: ``PrivateClusterError`` when it can be neither found nor made.
    static func open(_ path: String) throws -> DataDirectory {
        try make(path, permissions: geteuid() == 0 ? 0o711 : 0o700)
        guard let real = realpath(path, nil) else { throw PrivateClusterError.system("find", path, code: errno) }
        defer { free(real) }
        return DataDirectory(path: String(cString: real))
    }

    /// The directory at `path` when it is there; makes nothing.
    static func existing(_ path: String) -> DataDirectory? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return DataDirectory(path: String(cString: real))
    }

    /// Makes the directory and its missing parents with these permissions, whatever the umask.
    static func make(_ path: String, permissions: mode_t = 0o700) throws {
        if mkdir(path, permissions) == 0 { return set(permissions, path) }
        let code = errno
        switch code {
        case EEXIST:
            guard DirectoryEntries.status(path)?.isDirectory == true else {
                throw PrivateClusterError(.refused, "\(path) is not a directory: choose another --data-dir")
            }
        case ENOENT:
            guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
                throw PrivateClusterError.system("make", path, code: code)
            }
            try make(String(path[..<slash]), permissions: permissions)
            guard mkdir(path, permissions) == 0 || errno == EEXIST else {
                throw PrivateClusterError.system("make", path, code: errno)
            }
            set(permissions, path)
        default: throw PrivateClusterError.system("make", path, code: code)
        }
    }

    /// Undoes what a strict umask took away; the attempt to pass the directory tells if that failed.
    private static func set(_ permissions: mode_t, _ path: String) {
        _ = chmod(path, permissions)
    }
}
