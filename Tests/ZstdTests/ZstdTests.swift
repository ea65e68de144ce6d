// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Zstd

@Suite struct ZstdTests {
    private func compress(_ bytes: [UInt8], level: Int = 3) throws -> [UInt8] {
        let compressor = try ZstdCompressor(level: level)
        return try bytes.withUnsafeBytes { try compressor.compress($0) }
    }

    private func decompress(_ frame: [UInt8], bytesMax: Int = 1 << 24) throws -> [UInt8] {
        let decompressor = try ZstdDecompressor()
        return try frame.withUnsafeBytes { try decompressor.decompress($0, bytesMax: bytesMax) }
    }

    /// Bytes that compress a little.
    private func sample(_ count: Int) -> [UInt8] {
        var state: UInt32 = 7
        return (0..<count).map { index in
            state = state &* 1_664_525 &+ 1_013_904_223
            return index % 3 == 0 ? UInt8(truncatingIfNeeded: state >> 24) : 0x61
        }
    }

    /// A frame of one stored block whose header states no size (RFC 8878: frame header, block header).
    private func unsizedFrame(_ content: [UInt8]) -> [UInt8] {
        let header = UInt32(content.count) << 3 | 1
        return [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58] + (0..<3).map { UInt8(truncatingIfNeeded: header >> (8 * $0)) }
            + content
    }

    @Test(arguments: [0, 1, 100, 65_536, 3_000_000], [1, 3, 19])
    func `bytes come back`(count: Int, level: Int) throws {
        // Level 19 is slow on megabytes and proves nothing more there.
        let bytes = sample(level == 19 ? min(count, 65_536) : count)
        let frame = try compress(bytes, level: level)
        #expect(try decompress(frame, bytesMax: bytes.count) == bytes)
    }

    @Test func `one context serves many frames, also after a fault`() throws {
        let compressor = try ZstdCompressor()
        let decompressor = try ZstdDecompressor()
        for count in [10, 0, 100_000, 3] {
            let bytes = sample(count)
            let frame = try bytes.withUnsafeBytes { try compressor.compress($0) }
            var broken = frame
            broken[broken.count - 1] ^= 1
            #expect(throws: ZstdFault.self) {
                try broken.withUnsafeBytes { _ = try decompressor.decompress($0, bytesMax: 1 << 20) }
            }
            #expect(try frame.withUnsafeBytes { try decompressor.decompress($0, bytesMax: 1 << 20) } == bytes)
        }
    }

    @Test func `a frame that states too large a size is refused before it is read`() throws {
        let frame = try compress([UInt8](repeating: 0, count: 1 << 20))
        #expect(frame.count < 200)
        #expect(throws: ZstdFault.tooLarge(bytesMax: 1 << 20 - 1)) { try decompress(frame, bytesMax: 1 << 20 - 1) }
        #expect(try decompress(frame, bytesMax: 1 << 20).count == 1 << 20)
    }

    @Test func `a frame of unknown size is read up to the limit`() throws {
        let content = sample(70_000)
        let frame = unsizedFrame(content)
        #expect(try decompress(frame, bytesMax: 70_000) == content)
        #expect(throws: ZstdFault.tooLarge(bytesMax: 69_999)) { try decompress(frame, bytesMax: 69_999) }
        #expect(throws: ZstdFault.tooLarge(bytesMax: 0)) { try decompress(frame, bytesMax: 0) }
        #expect(try decompress(unsizedFrame([]), bytesMax: 0) == [])
    }

    @Test func `damage, cuts and appendices are refused`() throws {
        let frame = try compress(sample(1_000))
        for end in 0..<frame.count {
            #expect(throws: ZstdFault.self) { try decompress(Array(frame[..<end])) }
        }
        #expect(throws: ZstdFault.corrupt("1 bytes follow the frame")) { try decompress(frame + [0]) }
        #expect(throws: ZstdFault.self) { try decompress(frame + frame) }
        #expect(throws: ZstdFault.self) { try decompress(Array("no frame at all".utf8)) }
        for at in frame.indices {
            var broken = frame
            broken[at] ^= 0x10
            // A frame header has bits that mean nothing; whatever is accepted must be the content.
            if let content = try? decompress(broken) { #expect(content == sample(1_000)) }
        }
    }
}
