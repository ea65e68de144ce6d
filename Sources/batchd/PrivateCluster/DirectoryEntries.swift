// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The few questions about files that the private cluster asks, without Foundation's URL machinery.
enum DirectoryEntries {
    /// Identity and ownership of a file.
    struct Status: Hashable, Sendable {
        /// Device and inode: equal for two paths of the same file.
        let device: UInt64
        /// See ``device``.
        let inode: UInt64
        /// Who owns it.
        let owner: uid_t
        /// Whether it is a directory, and not a link to one.
        let isDirectory: Bool
        /// The permission bits.
        let permissions: mode_t
    }

    /// Names in a directory without `.` and `..`, sorted; empty when it cannot be read.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: UInt8.self, capacity: 256) { String(decodingCString: $0, as: UTF8.self) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Status of what `path` names, following links when `follow`; nil when it cannot be told, with errno left set.
    static func status(_ path: String, follow: Bool = true) -> Status? {
        var info = stat()
        guard (follow ? stat(path, &info) : lstat(path, &info)) == 0 else { return nil }
        return Status(
            device: UInt64(info.st_dev), inode: UInt64(info.st_ino), owner: info.st_uid,
            isDirectory: info.st_mode & S_IFMT == S_IFDIR, permissions: info.st_mode & 0o7777)
    }

    /// Up to `limit` bytes of a file as text; nil when it cannot be read.
    static func text(of path: String, limit: Int = 64 << 10) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return String(decoding: bytes(from: file, limit: limit), as: UTF8.self)
    }

    /// The end of a text file, at most `limit` bytes: what an operator wants to see of a log.
    static func tail(of path: String, limit: Int = 2_000) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        let size = lseek(file, 0, SEEK_END)
        lseek(file, max(0, size - off_t(limit)), SEEK_SET)
        return String(decoding: bytes(from: file, limit: limit), as: UTF8.self)
    }

    /// Reads until the end or `limit`.
    static func bytes(from file: Int32, limit: Int) -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while all.count < limit {
            let count = read(file, &buffer, min(buffer.count, limit - all.count))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            all += buffer[..<count]
        }
        return all
    }
}
