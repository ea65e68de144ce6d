// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Writes small files so that a reader finds the old or the new content, also after a crash of the machine.
enum PlainFile {
    /// Replaces `path` by `text`: written beside it, made durable, renamed.
    ///
    /// - Parameters:
    ///   - permissions: such as 0600; independent of the umask.
    ///   - owner: whom it is given to; nil leaves it ours.
    static func write(_ text: String, to path: String, permissions: mode_t, owner: ServerUser? = nil) throws {
        let draft = path + ".new"
        unlink(draft)
        // Exclusive: never through a link that somebody else put there.
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions)
        guard file >= 0 else { throw PrivateClusterError.system("write", draft, code: errno) }
        defer { close(file) }
        guard Glibc.write(file, text, text.utf8.count) == text.utf8.count, fchmod(file, permissions) == 0,
            owner.map({ fchown(file, $0.uid, $0.gid) == 0 }) ?? true, fsync(file) == 0, rename(draft, path) == 0
        else {
            let code = errno
            unlink(draft)
            throw PrivateClusterError.system("write", path, code: code)
        }
        syncDirectory(of: path)
    }

    /// Makes a rename durable. A file system that cannot do it has nothing better to offer.
    static func syncDirectory(of path: String) {
        guard let slash = path.lastIndex(of: "/") else { return }
        let directory = open(String(path[..<slash]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }
}
