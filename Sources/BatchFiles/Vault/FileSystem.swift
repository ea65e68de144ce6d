// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Foundation
internal import Synchronization

/// System calls with errors that name the operation, the path and the reason.
enum FileSystem {
    /// The error of the call that just failed, from `errno`.
    static func fault(_ operation: String, _ path: String) -> VaultError {
        let code = errno
        if code == ENOSPC || code == EDQUOT { return .full(path: path) }
        return .system(operation: operation, path: path, reason: String(cString: strerror(code)))
    }

    /// Makes renames and new names in a directory durable.
    static func flushDirectory(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fault("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw fault("flush", path) }
    }

    /// Names in a directory; none when it does not exist.
    static func names(in path: String) throws -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return [] }
            throw fault("list", path)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            names.append(name)
        }
        return names
    }
}

/// Where a reader stands.
final class Position: Sendable {
    private let offset: Mutex<Int64>

    init(_ value: Int64) { offset = Mutex(value) }

    /// Bytes from the start of the file.
    var value: Int64 {
        get { offset.withLock { $0 } }
        set { offset.withLock { $0 = newValue } }
    }
}

/// Runs blocking file work off Swift's cooperative threads.
package func onBlockingThread<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { @Sendable in
            continuation.resume(with: Result(catching: work))
        }
    }
}
