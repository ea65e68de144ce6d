// SPDX-License-Identifier: Apache-2.0
import Glibc

/// An input that can be read as often as needed, piece by piece. Blocks.
struct InputFile: Sendable {
    /// What people call it.
    let name: String
    /// Its size in bytes.
    let byteCount: Int64
    private let file: OpenFile
    private let changedAt: [Int]

    /// Which file it is.
    var identity: FileIdentity { get throws(RunError) { try file.identity } }

    /// Bytes of a piece.
    static let pieceBytes = 256 << 10

    /// Takes an open regular file as it is at this moment.
    init(_ file: OpenFile, name: String) throws(RunError) {
        let status = try file.status()
        self.file = file
        self.name = name
        byteCount = Int64(status.st_size)
        changedAt = [Int(status.st_mtim.tv_sec), status.st_mtim.tv_nsec]
    }

    /// Hands the piece at `offset` to `take` and returns its length; 0, without a call, at the end.
    func piece(
        at offset: Int64, _ buffer: UnsafeMutableRawBufferPointer, _ take: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Int {
        let count = try file.read(at: offset, into: buffer)
        guard count > 0 else {
            try expectUnchanged(at: offset)
            return 0
        }
        try take(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
        return count
    }

    /// Reads all of it; `take` gets every piece.
    func scan(_ take: (UnsafeRawBufferPointer) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceBytes, alignment: 64)
        defer { buffer.deallocate() }
        var offset: Int64 = 0
        while true {
            let count = try piece(at: offset, buffer, take)
            guard count > 0 else { return }
            offset += Int64(count)
        }
    }

    /// Reads `length` bytes at `offset`.
    func bytes(at offset: Int64, length: Int) throws -> [UInt8] { try file.bytes(at: offset, length: length) }

    /// The file on the disk is still the one that was checked.
    private func expectUnchanged(at end: Int64) throws(RunError) {
        let status = try file.status()
        let now = [Int(status.st_mtim.tv_sec), status.st_mtim.tv_nsec]
        guard end == byteCount, Int64(status.st_size) == byteCount, now == changedAt else {
            throw RunError(.localFile, "\(name) was changed while it was being read: leave it alone during a run")
        }
    }
}
