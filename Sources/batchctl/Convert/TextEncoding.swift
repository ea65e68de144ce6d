// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// How the characters of a spreadsheet's file are written as bytes.
enum TextEncoding: String, CaseIterable, Sendable {
    /// With or without a byte order mark when read, without one when written.
    case utf8 = "utf-8"
    /// With a byte order mark, by which spreadsheet programs recognise UTF-8.
    case utf8WithMark = "utf-8-bom"
    /// What Chinese editions of Windows take for granted.
    case gbk

    /// UTF-8's byte order mark.
    static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The name that the system's converter knows it by.
    fileprivate var systemName: String { self == .gbk ? "GBK" : "UTF-8" }
}

/// Converts text between ``TextEncoding`` and UTF-8 with the system's `iconv`. Used by one thread.
final class TextConverter {
    /// How a conversion of some bytes ended.
    enum End: Hashable {
        /// All bytes were taken.
        case complete
        /// The last bytes, from this offset on, are the beginning of a character.
        case unfinished(at: Int)
        /// The bytes at this offset are no character, or one that the other encoding does not have.
        case impossible(at: Int)
    }

    /// Why there is no converter.
    struct Unavailable: Error, Hashable {
        /// The encoding.
        let encoding: TextEncoding
    }

    private let handle: iconv_t
    private var space = [UInt8](repeating: 0, count: 64 << 10)

    /// A converter from `encoding` to UTF-8.
    convenience init(decoding encoding: TextEncoding) throws(Unavailable) {
        try self.init(from: encoding, to: .utf8)
    }

    /// A converter from UTF-8 to `encoding`; a byte order mark is the caller's business.
    convenience init(encoding: TextEncoding) throws(Unavailable) {
        try self.init(from: .utf8, to: encoding)
    }

    private init(from source: TextEncoding, to target: TextEncoding) throws(Unavailable) {
        handle = iconv_open(target.systemName, source.systemName)
        guard Int(bitPattern: handle) != -1 else { throw Unavailable(encoding: source == .utf8 ? target : source) }
    }

    deinit {
        if Int(bitPattern: handle) != -1 { iconv_close(handle) }
    }

    /// Appends what `bytes` stand for to `out`, as far as they can be converted.
    func append(_ bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) -> End {
        var offset = 0
        while offset < bytes.count {
            let (taken, written, code) = step(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
            out.append(contentsOf: space[..<written])
            offset += taken
            switch code {
            case 0, E2BIG: continue
            case EINVAL: return .unfinished(at: offset)
            default: return .impossible(at: offset)
            }
        }
        return .complete
    }

    private func step(_ bytes: UnsafeRawBufferPointer) -> (taken: Int, written: Int, code: CInt) {
        // iconv takes a pointer to mutable bytes and does not change them.
        var input = UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
        var inputLeft = bytes.count
        return space.withUnsafeMutableBytes { room in
            var output = room.baseAddress?.assumingMemoryBound(to: CChar.self)
            var outputLeft = room.count
            let result = iconv(handle, &input, &inputLeft, &output, &outputLeft)
            let code = result == Int(bitPattern: UInt.max) ? errno : 0
            return (bytes.count - inputLeft, room.count - outputLeft, code)
        }
    }
}
