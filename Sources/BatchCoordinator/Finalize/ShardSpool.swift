// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The rendered result lines of one shard, put in in the order they finished and taken out in input order.
///
/// Up to a limit they stay in memory; beyond it they go through an unlinked temporary file, so that memory does not
/// grow
/// with the size of the answers. The index costs 16 bytes a line.
struct ShardSpool: ~Copyable {
    private struct Entry {
        var offset: Int64 = 0
        var length: Int32 = -1
        var isSuccess = false
    }

    private let memoryMax: Int
    private let directory: String
    private var entries: [Entry]
    private var memory: [UInt8] = []
    private var descriptor: CInt = -1
    private var fileBytes: Int64 = 0

    /// An empty spool for a shard of `lineCount` lines.
    init(lineCount: Int, memoryMax: Int, directory: String) {
        self.memoryMax = memoryMax
        self.directory = directory
        entries = [Entry](repeating: Entry(), count: lineCount)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Whether a line was put in.
    func contains(_ ordinal: Int) -> Bool { entries[ordinal].length >= 0 }

    /// Puts in what `render` appends.
    mutating func put(_ ordinal: Int, isSuccess: Bool, _ render: (inout [UInt8]) -> Void) throws {
        let start = memory.count
        render(&memory)
        entries[ordinal] = Entry(
            offset: fileBytes + Int64(start), length: Int32(memory.count - start), isSuccess: isSuccess)
        if memory.count > memoryMax { try spill() }
    }

    /// Hands every line to `body` in input order, with whether it succeeded; nil for a line that was not put in.
    func forEachLine(_ body: (Int, (bytes: UnsafeRawBufferPointer, isSuccess: Bool)?) throws -> Void) throws {
        for (ordinal, entry) in entries.enumerated() {
            guard entry.length >= 0 else {
                try body(ordinal, nil)
                continue
            }
            if entry.offset >= fileBytes {
                let start = Int(entry.offset - fileBytes)
                try memory.withUnsafeBytes {
                    let line = UnsafeRawBufferPointer(rebasing: $0[start..<start + Int(entry.length)])
                    try body(ordinal, (line, entry.isSuccess))
                }
            } else {
                let line = try readBack(entry.offset, Int(entry.length))
                try line.withUnsafeBytes { try body(ordinal, ($0, entry.isSuccess)) }
            }
        }
    }

    private mutating func spill() throws {
        if descriptor < 0 {
            var template = Array("\(directory)/shardline-spool-XXXXXX".utf8CString)
            descriptor = mkstemp(&template)
            guard descriptor >= 0 else { throw SpoolFault(directory: directory, code: errno) }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            unlink(template)
        }
        var done = 0
        while done < memory.count {
            let written = memory.withUnsafeBytes { rest -> Int in
                guard let base = rest.baseAddress else { return 0 }
                return write(descriptor, base + done, rest.count - done)
            }
            guard written > 0 else {
                if errno == EINTR { continue }
                throw SpoolFault(directory: directory, code: errno)
            }
            done += written
        }
        fileBytes += Int64(memory.count)
        memory.removeAll(keepingCapacity: true)
    }

    private func readBack(_ offset: Int64, _ length: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            while count < length {
                guard let base = buffer.baseAddress else { return }
                let got = pread(descriptor, base + count, length - count, off_t(offset) + off_t(count))
                guard got > 0 else { throw SpoolFault(directory: directory, code: got == 0 ? EIO : errno) }
                count += got
            }
        }
    }
}

/// The spool's file could not be written or read.
struct SpoolFault: Error, CustomStringConvertible {
    let directory: String
    let code: CInt

    var description: String {
        "cannot spool results in \(directory): \(String(cString: strerror(code)))"
    }
}
