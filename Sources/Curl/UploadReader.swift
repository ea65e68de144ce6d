// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Reads an upload body in order, from any position. Used by the engine thread only.
final class UploadReader {
    private let parts: [UploadBody.Part]
    /// Bytes of the whole body.
    let count: Int64
    /// Bytes read so far.
    private(set) var position: Int64 = 0
    private var partIndex = 0
    private var positionInPart: Int64 = 0
    /// Descriptor of the file part being read; −1 when none is open.
    private var file: CInt = -1

    /// Starts before the first byte; opens nothing yet.
    init(_ body: UploadBody) {
        parts = body.parts
        count = body.count
    }

    deinit { closeFile() }

    /// Fills `buffer` from the present position; 0 means the end.
    ///
    /// - Throws: `bodyUnreadable` naming file and reason, also when a file is shorter than its range.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(CurlError) -> Int {
        var filled = 0
        while filled < buffer.count, partIndex < parts.count {
            let part = parts[partIndex]
            let wanted = min(Int64(buffer.count - filled), part.count - positionInPart)
            if wanted <= 0 {
                nextPart()
                continue
            }
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<(filled + Int(wanted))])
            let got = try read(part, into: target)
            filled += got
            positionInPart += Int64(got)
            position += Int64(got)
        }
        return filled
    }

    /// Goes to `target` bytes from the start; false when that is outside the body.
    func seek(to target: Int64) -> Bool {
        guard target >= 0, target <= count else { return false }
        closeFile()
        partIndex = 0
        position = target
        positionInPart = target
        while partIndex < parts.count, positionInPart >= parts[partIndex].count {
            positionInPart -= parts[partIndex].count
            partIndex += 1
        }
        return true
    }

    private func nextPart() {
        closeFile()
        partIndex += 1
        positionInPart = 0
    }

    private func read(
        _ part: UploadBody.Part, into target: UnsafeMutableRawBufferPointer
    ) throws(CurlError) -> Int {
        switch part {
        case .bytes(let bytes):
            bytes.withUnsafeBytes { source in
                let start = Int(positionInPart)
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start..<(start + target.count)]))
            }
            return target.count
        case .file(let path, let offset, _):
            return try readFile(path, at: offset + positionInPart, into: target)
        }
    }

    private func readFile(
        _ path: String, at offset: Int64, into target: UnsafeMutableRawBufferPointer
    ) throws(CurlError) -> Int {
        if file < 0 {
            file = open(path, O_RDONLY | O_CLOEXEC)
            if file < 0 { throw Self.unreadable(path, "cannot be opened: \(Self.reason(errno))") }
        }
        while true {
            let got = pread(file, target.baseAddress, target.count, off_t(offset))
            if got > 0 { return got }
            if got == 0 { throw Self.unreadable(path, "ends at byte \(offset), before the end of the declared range") }
            if errno != EINTR { throw Self.unreadable(path, "cannot be read: \(Self.reason(errno))") }
        }
    }

    private func closeFile() {
        if file >= 0 { close(file) }
        file = -1
    }

    private static func unreadable(_ path: String, _ what: String) -> CurlError {
        CurlError(.bodyUnreadable, "upload source \(path) \(what)")
    }

    private static func reason(_ code: CInt) -> String { String(cString: strerror(code)) }
}
