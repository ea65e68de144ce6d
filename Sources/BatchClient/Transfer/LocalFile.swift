// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A regular, readable, non-empty file of this machine, as it was when it was looked at.
package struct LocalFile: Hashable, Sendable {
    /// The path as it was given.
    package let path: String
    /// Its size in bytes, > 0.
    package let bytes: Int64

    /// Looks at the file; throws `localFile` with the reason when it cannot be uploaded.
    package init(path: String) throws(ClientError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .localFile("cannot read \(path): \(Self.reason(errno))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .localFile("cannot read \(path): \(Self.reason(errno))") }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw .localFile("\(path) is a directory: name a file in it") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .localFile("\(path) is not a regular file: save its content to one first, the size must be known")
        }
        guard status.st_size > 0 else { throw .localFile("\(path) is empty: there is nothing to send") }
        self.path = path
        self.bytes = Int64(status.st_size)
    }

    /// The last component of the path.
    package var name: String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    /// The system's words for an error number.
    package static func reason(_ code: CInt) -> String { String(cString: strerror(code)) }
}
