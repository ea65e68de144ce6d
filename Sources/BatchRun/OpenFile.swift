// SPDX-License-Identifier: Apache-2.0
import Glibc

/// An open local file. Blocks; errors name the file and the way out.
final class OpenFile: Sendable {
    /// What people call it.
    let path: String
    /// Its descriptor, closed with the object.
    let descriptor: CInt

    /// Opens a file; `flags` as of open(2), close-on-exec is added.
    init(_ path: String, flags: CInt, verb: String = "write") throws(RunError) {
        let descriptor = open(path, flags | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw RunError(.localFile, "cannot \(verb) \(path): \(Self.reason(errno))")
        }
        self.path = path
        self.descriptor = descriptor
    }

    /// Takes over a descriptor.
    init(descriptor: CInt, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// The system's words for an error number.
    static func reason(_ code: CInt) -> String { String(cString: strerror(code)) }

    /// What the kernel knows of it.
    func status() throws(RunError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw fault("look at") }
        return status
    }

    /// Which file it is, whatever its names.
    var identity: FileIdentity {
        get throws(RunError) {
            let status = try status()
            return FileIdentity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
        }
    }

    /// Its present length in bytes.
    func length() throws(RunError) -> Int64 { Int64(try status().st_size) }

    /// Reads up to `buffer.count` bytes at `offset`; 0 at the end.
    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(RunError) -> Int {
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 { return count }
            if errno != EINTR { throw fault("read") }
        }
    }

    /// Exactly `length` bytes at `offset`.
    func bytes(at offset: Int64, length: Int) throws(RunError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: length)
        var filled = 0
        while filled < length {
            let outcome = bytes.withUnsafeMutableBytes { buffer -> Result<Int, RunError> in
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                do throws(RunError) {
                    return .success(try read(at: offset + Int64(filled), into: rest))
                } catch {
                    return .failure(error)
                }
            }
            let count = try outcome.get()
            guard count > 0 else { throw RunError(.localFile, "cannot read \(path): it became shorter") }
            filled += count
        }
        return bytes
    }

    /// Writes all of `bytes` at the descriptor's place.
    func write(_ bytes: UnsafeRawBufferPointer) throws(RunError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest)
            let written = Glibc.write(descriptor, piece.baseAddress, piece.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw fault("write")
            }
            rest = rest.dropFirst(written)
        }
    }

    /// The same for an array.
    func write(_ bytes: [UInt8]) throws(RunError) {
        let outcome = bytes.withUnsafeBytes { buffer -> Result<Void, RunError> in
            do throws(RunError) {
                return .success(try write(buffer))
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    /// Cuts it to `length` and goes on writing there.
    func cut(to length: Int64) throws(RunError) {
        guard ftruncate(descriptor, off_t(length)) == 0, lseek(descriptor, off_t(length), SEEK_SET) >= 0 else {
            throw fault("cut")
        }
    }

    /// Brings it to the disk.
    func sync() throws(RunError) {
        guard fdatasync(descriptor) == 0 else { throw fault("write") }
    }

    /// Whether nobody else holds it; it is held from now on.
    func lock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

    private func fault(_ verb: String) -> RunError {
        let code = errno
        guard code != ENOSPC, code != EDQUOT else {
            return RunError(
                .localFile, "no space left for \(path): free some, then go on with the same command and --resume",
                isForSpace: true)
        }
        return RunError(.localFile, "cannot \(verb) \(path): \(Self.reason(code))")
    }
}

/// Which file of this machine one is.
struct FileIdentity: Hashable, Sendable {
    /// The file system.
    let device: UInt64
    /// Its number there.
    let number: UInt64
}
