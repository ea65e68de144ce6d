// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import Glibc

/// Reads a local file from its beginning, piece by piece, and again at any place. Blocks.
final class FileReader {
    /// Bytes of a piece.
    private static let pieceBytes = 1 << 20

    private let path: String
    private let descriptor: CInt
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: FileReader.pieceBytes, alignment: 64)

    /// Opens the file.
    init(_ path: String) throws(ClientError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        // Everything is initialised by now, so that deinit runs even then.
        guard descriptor >= 0 else { throw .localFile("cannot read \(path): \(LocalFile.reason(errno))") }
    }

    /// Standard input, which can only be read from where it is.
    private init(standardInputNamed path: String) {
        self.path = path
        descriptor = dup(STDIN_FILENO)
    }

    /// A reader of standard input.
    static func standardInput() -> FileReader { FileReader(standardInputNamed: "standard input") }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        buffer.deallocate()
    }

    /// Hands the next piece to `take`; false, without a call, at the end.
    func next(_ take: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count == 0 { return false }
            if count > 0 {
                try take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                return true
            }
            if errno != EINTR { throw unreadable(LocalFile.reason(errno)) }
        }
    }

    /// Reads `length` bytes at `offset`.
    func read(at offset: Int64, length: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: length)
        var filled = 0
        while filled < length {
            let count = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress.map { $0 + filled }, length - filled, off_t(offset) + filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw unreadable(count == 0 ? "it became shorter" : LocalFile.reason(errno)) }
            filled += count
        }
        return bytes
    }

    private func unreadable(_ why: String) -> ClientError { .localFile("cannot read \(path): \(why)") }
}
