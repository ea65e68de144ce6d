// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Exclusive use of a data directory, for as long as the process lives or until `release`.
///
/// The kernel drops the lock with the process, however that ends; the process id in the file is for people.
final class DataDirectoryLock: Sendable {
    private let file: Mutex<Int32>

    /// Takes the lock at once.
    ///
    /// - Throws: ``PrivateClusterError`` that names the process which has it.
    init(_ directory: DataDirectory) throws {
        // Close-on-exec: a PostgreSQL that outlives us must not keep the lock.
        let file = open(directory.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw PrivateClusterError.system("open", directory.lock, code: errno) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            defer { close(file) }
            guard code == EWOULDBLOCK else { throw PrivateClusterError.system("lock", directory.lock, code: code) }
            let holder = String(decoding: DirectoryEntries.bytes(from: file, limit: 20), as: UTF8.self)
                .prefix { $0.isNumber }
            throw PrivateClusterError(
                .inUse,
                """
                the data directory \(directory.path) is in use by batchd with process id \(holder): \
                stop that one, or choose another --data-dir
                """)
        }
        let text = "\(getpid())\n"
        guard ftruncate(file, 0) == 0, write(file, text, text.utf8.count) == text.utf8.count else {
            let code = errno
            close(file)
            throw PrivateClusterError.system("write", directory.lock, code: code)
        }
        self.file = Mutex(file)
    }

    /// Gives the directory free; harmless when repeated.
    func release() {
        file.withLock { file in
            if file >= 0 { close(file) }
            file = -1
        }
    }

    deinit { release() }
}
